//! What is wrong or doubtful in a ruleset, as data.
//!
//! Every kind of finding has one row in [`Code`]: number, severity, sentence, hint. A
//! [`Diagnostic`] adds the position and the names and values of the case at hand; text is made of
//! it by the command line.

use std::fmt;

use crate::model::Span;

/// One finding in a ruleset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What it is about; `line` 0 stands for the whole file.
    pub span: Span,
    /// Which kind of finding.
    pub code: Code,
    /// The case at hand: offending text, limits, other lines. May be empty.
    pub detail: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The ruleset is accepted, but probably not what was meant.
    Warning,
    /// The ruleset is refused.
    Error,
}

impl Diagnostic {
    /// A finding at `span`.
    pub fn new(code: Code, span: Span, detail: impl Into<String>) -> Self {
        Self { span, code, detail: detail.into() }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.span.line != 0 {
            write!(out, "line {}, column {}: ", self.span.line, self.span.start + 1)?;
        }
        write!(out, "{}", self.code.sentence())?;
        if !self.detail.is_empty() {
            write!(out, ": {}", self.detail)?;
        }
        Ok(())
    }
}

/// Makes [`Code`] of rows `Name, number, Severity, sentence, hint;`: the enum with the sentence as
/// documentation, [`Code::ALL`], and one look-up per column.
macro_rules! codes {
    ($($name:ident, $number:literal, $severity:ident, $sentence:literal, $hint:literal;)+) => {
        /// A kind of finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $sentence] $name,)+
        }

        impl Code {
            /// All kinds in the order of their table.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The stable number: `F…` for errors, `W…` for warnings.
            pub const fn number(self) -> &'static str {
                match self { $(Self::$name => $number,)+ }
            }

            /// Whether the finding refuses the ruleset.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)+ }
            }

            /// What is the matter, without the case at hand.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)+ }
            }

            /// What to do about it.
            pub const fn hint(self) -> &'static str {
                match self { $(Self::$name => $hint,)+ }
            }
        }
    };
}

codes! {
    // The file.
    FileTooLong, "F001", Error, "file has too many lines or rules", "split the ruleset; use an address list or an ipset for long lists of addresses";
    LineTooLong, "F002", Error, "line is too long", "iptables-restore reads at most 10,239 bytes per line";
    WordTooLong, "F003", Error, "word is too long", "iptables-restore reads at most 1,023 bytes per word";
    TooManyWords, "F004", Error, "line has too many words", "iptables-restore reads at most 250 words per line";
    NotText, "F005", Error, "line is not text in UTF-8", "convert the file to UTF-8; control bytes cannot stand in a ruleset";
    CarriageReturn, "F006", Error, "line ends with a carriage return", "convert the file to Unix line ends, for example with dos2unix";
    UnclosedQuote, "F007", Error, "quote is not closed", "put a `\"` at the end of the text, in the same line";
    BadCounters, "F008", Error, "counters are not `[packets:bytes]`", "write two decimal numbers, as in `[12:3456]`";
    TooManyErrors, "F009", Error, "too many errors, the rest of the file is not reported", "correct the first ones and try again";

    // Tables and chains.
    OutsideTable, "F020", Error, "line stands outside a table", "put it between `*filter` (or another table) and `COMMIT`";
    UnknownTable, "F021", Error, "no such table", "the tables are raw, mangle, nat, filter and security";
    MissingCommit, "F022", Error, "table has no `COMMIT`", "end every table with a line `COMMIT`";
    BadChainLine, "F023", Error, "chain line is not `:NAME POLICY [packets:bytes]`", "write `:NAME - [0:0]` for a user chain, `:INPUT DROP [0:0]` for a built-in one";
    ChainNameTooLong, "F024", Error, "chain name is too long", "a chain name has at most 28 bytes";
    DuplicateChain, "F025", Error, "chain exists already", "declare a user chain once; the names ACCEPT, DROP, QUEUE and RETURN are taken";
    UnknownPolicy, "F026", Error, "no such policy", "a policy is ACCEPT or DROP";
    UserChainPolicy, "F027", Error, "a user chain cannot have a policy", "write `-` for the policy and end the chain with a rule that decides";
    UndeclaredChain, "F028", Error, "no such chain in this table", "declare it before its first use with a line `:NAME - [0:0]`";
    ChainLoop, "F029", Error, "chains call each other in a circle", "remove one of the jumps";
    ChainInUse, "F030", Error, "chain cannot be deleted", "delete the rules in it and the jumps to it first; built-in chains stay";

    // The shape of a rule line.
    MissingCommand, "F040", Error, "line has no command", "a rule starts with `-A CHAIN`";
    SecondCommand, "F041", Error, "line has two commands", "write one command per line";
    UnsupportedCommand, "F042", Error, "this command has no meaning in a ruleset file", "use `-A`, `-I`, `-R`, `-D`, `-N`, `-P`, `-F`, `-X`, `-Z` or `-E`";
    BadRuleNumber, "F043", Error, "no such rule number", "rules are counted from 1; an insertion may also name the place behind the last";
    UnknownOption, "F044", Error, "no such option here", "an option of a match or target must follow its `-m NAME` or `-j NAME`";
    AmbiguousOption, "F045", Error, "abbreviated option fits several", "write the option in full";
    MissingArgument, "F046", Error, "option has no argument", "write the value behind the option";
    UnexpectedArgument, "F047", Error, "option takes no argument", "remove the `=` and what follows it";
    StrayWord, "F048", Error, "word belongs to no option", "a value with blanks must be quoted";
    BadNegation, "F049", Error, "`!` cannot stand here", "put one `!` directly before an option that can be inverted";
    RepeatedOption, "F050", Error, "option is given twice", "give it once, or write two rules";
    ConflictingOptions, "F051", Error, "options exclude each other", "keep one of them";
    MissingOption, "F052", Error, "match or target lacks an option", "give the named option";
    OptionNotAllowed, "F053", Error, "option cannot be used in a ruleset file", "remove it; the table is named by its `*` line";
    UnknownTarget, "F055", Error, "neither a chain of this table nor a known target", "declare the chain before its first use, or correct the name";
    GotoTarget, "F056", Error, "`-g` needs a user chain", "use `-j` for targets";
    JumpToBuiltin, "F057", Error, "a built-in chain cannot be called", "jump to a user chain, or use ACCEPT, DROP or RETURN";
    BadTargetName, "F058", Error, "not a name for a target or chain", "a name has 1 to 28 bytes and no blanks";

    // Values.
    BadAddress, "F070", Error, "not an address of this family", "write an address, ADDRESS/LENGTH or ADDRESS/MASK";
    HostName, "F071", Error, "host names are not resolved", "write the address: a firewall must not depend on the name service";
    BadMask, "F072", Error, "not a network mask", "write a length (up to 32, for IPv6 128) or a mask in address form";
    NegatedList, "F073", Error, "`!` cannot stand before a list of addresses", "use one rule per address, or an ipset";
    TooManyAddresses, "F074", Error, "address lists stand for too many rules", "use an ipset";
    BadInterface, "F075", Error, "not a device name", "a device name has 1 to 15 bytes";
    UnknownProtocol, "F076", Error, "no such protocol", "write the protocol number, 0 to 255";
    NeverProtocol, "F077", Error, "`! -p all` holds for no packet", "remove the rule or name a protocol";
    BadNumber, "F078", Error, "not a number in the valid range", "see the range in the message";
    BadPort, "F079", Error, "not a port", "write a number up to 65535 or the name of a common service";
    ReversedRange, "F080", Error, "range is reversed", "write the smaller value first";
    TooManyPorts, "F081", Error, "more than 15 ports", "a range counts as two ports; use a second rule";
    UnknownValue, "F082", Error, "no such value for this option", "see iptables-extensions(8) for the names";
    AmbiguousValue, "F083", Error, "abbreviated value fits several", "write the value in full";
    EmptyValue, "F084", Error, "value is empty", "write at least one character";
    BadRate, "F085", Error, "not a rate", "write NUMBER/sec, /min, /hour or /day, up to 10000/sec";
    RateOverflow, "F086", Error, "rate and burst are too large together", "burst divided by rate may be some five days at most, and burst not 0";

    // What the kernel refuses.
    NeedsProtocol, "F100", Error, "match or target needs another `-p`", "put the named protocol before it";
    WrongTable, "F101", Error, "match or target does not work in this table", "move the rule to the named table";
    WrongHook, "F102", Error, "match or target does not work in a chain that this one is called from", "call the chain only from the named built-in chains";
    WrongFamily, "F103", Error, "not for this address family", "use the counterpart of the other family, or the other file";
    InOutput, "F104", Error, "`-i` has no meaning in this chain", "packets made here have no input device: remove `-i`";
    OutInput, "F105", Error, "`-o` has no meaning in this chain", "the output device is not known yet: remove `-o`";

    // Accepted, but doubtful.
    OldNegation, "W001", Warning, "`!` stands behind the option, as in old versions", "iptables 1.8 wants it before the option";
    SecondSection, "W002", Warning, "table stands twice in the file; the first section is lost", "join both sections";
    OtherFamily, "W003", Warning, "rule is for the other address family and is left out", "remove it, or use both files";
    Truncated, "W004", Warning, "text is too long and is cut", "shorten it";
    EmptyRange, "W005", Warning, "range is reversed and holds for no packet", "write the smaller value first";
    OddInterface, "W006", Warning, "no device can have this name", "`/` and blanks cannot stand in a device name";
    ExtensionHeader, "W007", Warning, "`-p` with an IPv6 extension header holds for no packet", "use the match of that name";
    OldOption, "W008", Warning, "option has no effect in the kernel", "use the named newer option";

    // Said in vain.
    ShadowedRule, "W100", Warning, "an earlier rule takes every packet of this one", "remove the rule, or put it before the earlier one";
    BehindEnd, "W101", Warning, "no packet gets past an earlier rule to this one", "remove the rule, or put it before the earlier one";
    DuplicateRule, "W102", Warning, "rule stands twice in the chain", "remove one of them";
    NeverMatches, "W103", Warning, "no packet fulfils the rule's conditions", "look for an empty range, values outside a mask, or conditions that exclude each other";
    UnreachedChain, "W104", Warning, "no packet gets into this chain", "remove the chain, or call it";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_unique_and_say_the_severity() {
        let mut numbers: Vec<_> = Code::ALL.iter().map(|code| code.number()).collect();
        for code in Code::ALL {
            let letter = if code.severity() == Severity::Error { 'F' } else { 'W' };
            assert!(code.number().starts_with(letter), "{code:?}");
            assert!(!code.hint().is_empty(), "{code:?}");
        }
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), Code::ALL.len());
    }

    #[test]
    fn a_diagnostic_names_the_column_from_one() {
        let span = Span { line: 3, start: 4, end: 9 };
        let found = Diagnostic::new(Code::UnknownTable, span, "`fliter`");
        assert_eq!(found.to_string(), "line 3, column 5: no such table: `fliter`");
    }
}
