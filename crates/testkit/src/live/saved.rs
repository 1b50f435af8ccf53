//! Counters out of what `iptables-save -c` prints.

use std::{error, fmt};

use netloom_firewall::model::{Counters, TableName};

use crate::evaluate::Counts;

/// A line that `iptables-save -c` does not print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The line.
    pub line: String,
}

/// Reads all counters of a save with `-c`.
///
/// # Errors
/// [`Malformed`] for the first line that is not understood.
pub fn parse_saved(text: &str) -> Result<Counts, Malformed> {
    let mut counts = Counts::new();
    let mut table = None;
    for line in text.lines() {
        let read = match line.chars().next() {
            Some('*') => {
                table = TableName::ALL.into_iter().find(|name| name.as_str() == &line[1..]);
                table.map(drop)
            }
            Some(':') => table.and_then(|table| chain_line(&mut counts, table, &line[1..])),
            Some('[') => table.and_then(|table| rule_line(&mut counts, table, line)),
            _ => Some(()),
        };
        read.ok_or_else(|| Malformed { line: line.to_owned() })?;
    }
    Ok(counts)
}

/// `INPUT ACCEPT [1:40]`, or `name - [0:0]`.
fn chain_line(counts: &mut Counts, table: TableName, line: &str) -> Option<()> {
    let mut words = line.split(' ');
    let (name, policy) = (words.next()?, words.next()?);
    let counters = counters(words.next()?)?;
    let chain = counts.entry((table, name.to_owned())).or_default();
    chain.policy = (policy != "-").then_some(counters);
    Some(())
}

/// `[1:40] -A INPUT -j ACCEPT`.
fn rule_line(counts: &mut Counts, table: TableName, line: &str) -> Option<()> {
    let (counted, rule) = line.split_once(' ')?;
    let name = rule.strip_prefix("-A ")?.split(' ').next()?;
    counts.get_mut(&(table, name.to_owned()))?.rules.push(counters(counted)?);
    Some(())
}

fn counters(text: &str) -> Option<Counters> {
    let (packets, bytes) = text.strip_prefix('[')?.strip_suffix(']')?.split_once(':')?;
    Some(Counters { packets: packets.parse().ok()?, bytes: bytes.parse().ok()? })
}

impl fmt::Display for Malformed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "cannot read saved counters from {:?}", self.line)
    }
}

impl error::Error for Malformed {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_and_policies_are_read_in_order() {
        let text = "# comment\n*raw\n:OUTPUT DROP [3:120]\n:a - [0:0]\n[1:40] -A OUTPUT -j a\n\
                    [2:80] -A OUTPUT\n[7:8] -A a -p tcp\nCOMMIT\n";
        let counts = parse_saved(text).unwrap();
        let output = &counts[&(TableName::Raw, "OUTPUT".to_owned())];
        assert_eq!(output.policy, Some(Counters { packets: 3, bytes: 120 }));
        assert_eq!(output.rules.iter().map(|rule| rule.bytes).collect::<Vec<_>>(), [40, 80]);
        let user = &counts[&(TableName::Raw, "a".to_owned())];
        assert_eq!((user.policy, user.rules.len()), (None, 1));
    }

    #[test]
    fn strange_lines_are_refused() {
        for text in ["*strange", ":a - [0:0]", "*raw\n[0:0] -A b", "*raw\n:a - [0]", "*raw\n:a"] {
            assert!(parse_saved(text).is_err(), "{text}");
        }
    }
}
