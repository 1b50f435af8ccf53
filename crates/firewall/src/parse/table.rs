//! A table while its section is read: chains by name, and the commands that change them.

use std::collections::HashMap;

use super::draft::{Command, Draft};
use super::graph;
use super::item::Value;
use super::rule::{self, Built, HookNeed, Place, Source};
use super::targets::ChainKind;
use super::{limits, number};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Chain, Counters, Family, Policy, Rule, Span, Table, TableName};

/// Names that no chain can have, because a rule means the target.
const RESERVED: [&str; 4] = ["ACCEPT", "DROP", "QUEUE", "RETURN"];

/// A table that is being read.
pub(crate) struct TableBuilder {
    name: TableName,
    family: Family,
    span: Span,
    chains: Vec<ChainBuilder>,
    index: HashMap<String, usize>,
    /// Rules that were put in, whether or not they are still there.
    rules_added: usize,
}

/// A chain that is being read; `needs` has one entry per rule.
pub(crate) struct ChainBuilder {
    pub(crate) chain: Chain,
    pub(crate) needs: Vec<Vec<HookNeed>>,
}

impl TableBuilder {
    pub(crate) fn new(name: TableName, family: Family, span: Span) -> Self {
        Self { name, family, span, chains: Vec::new(), index: HashMap::new(), rules_added: 0 }
    }

    /// Takes the policies of an earlier section of the same table over, which loading does not
    /// reset; its rules and user chains are gone.
    pub(crate) fn keep_policies(&mut self, earlier: Table) {
        for chain in earlier.chains.into_iter().filter(|chain| chain.policy.is_some()) {
            let at = self.push(&chain.name, chain.policy, chain.span);
            self.chains[at].chain.counters = chain.counters;
        }
    }

    pub(crate) fn name(&self) -> TableName {
        self.name
    }

    pub(crate) fn span(&self) -> Span {
        self.span
    }

    /// Whether the table has, or always had, a chain of this name.
    pub(crate) fn chain_kind(&self, name: &str) -> ChainKind {
        match self.index.contains_key(name) {
            _ if graph::hook(self.name, name).is_some() => ChainKind::Builtin,
            true => ChainKind::User,
            false => ChainKind::None,
        }
    }

    /// A line `:NAME POLICY [packets:bytes]`.
    pub(crate) fn declare(
        &mut self,
        name: Value<'_>,
        policy: Value<'_>,
        counters: Counters,
    ) -> Result<(), Diagnostic> {
        let builtin = self.chain_kind(name.text) == ChainKind::Builtin;
        let at = match builtin {
            true => self.builtin(name.text, name.span),
            false => self.create(name)?,
        };
        if policy.text == "-" {
            return Ok(());
        }
        if !builtin {
            return Err(policy.refuse(Code::UserChainPolicy, format!("`{}`", name.text)));
        }
        let chain = &mut self.chains[at].chain;
        chain.policy = Some(parse_policy(policy)?);
        chain.counters = counters;
        Ok(())
    }

    /// A rule line.
    pub(crate) fn execute(
        &mut self,
        draft: &Draft<'_>,
        source: &Source<'_>,
        findings: &mut Vec<Diagnostic>,
    ) -> Result<(), Diagnostic> {
        let Some(command) = draft.command else {
            return Err(Diagnostic::new(Code::MissingCommand, source.span, ""));
        };
        match command {
            Command::Append(chain) => {
                let at = self.existing(chain)?;
                let end = self.chains[at].chain.rules.len();
                self.insert(at, end, draft, source, findings);
                Ok(())
            }
            Command::Insert(chain, number) => {
                let at = self.existing(chain)?;
                let rules = self.chains[at].chain.rules.len();
                let place = number.map_or(Ok(0), |number| rule_number(number, rules + 1))?;
                self.insert(at, place, draft, source, findings);
                Ok(())
            }
            Command::Replace(chain, number) => {
                let at = self.existing(chain)?;
                let place = rule_number(number, self.chains[at].chain.rules.len())?;
                let lists = [draft.source, draft.destination];
                if let Some(list) =
                    lists.iter().flatten().find(|addr| addr.value.text.contains(','))
                {
                    let detail = "`-R` puts one rule in the place of one";
                    return Err(list.value.refuse(Code::TooManyAddresses, detail));
                }
                self.chains[at].remove(place);
                self.insert(at, place, draft, source, findings);
                Ok(())
            }
            Command::Delete(chain, Some(number)) => {
                let at = self.existing(chain)?;
                let place = rule_number(number, self.chains[at].chain.rules.len())?;
                self.chains[at].remove(place);
                Ok(())
            }
            Command::Delete(chain, None) => self.delete_equal(chain, draft, source, findings),
            Command::Flush(None) => {
                self.chains.iter_mut().for_each(ChainBuilder::clear);
                Ok(())
            }
            Command::Flush(Some(chain)) => {
                let at = self.existing(chain)?;
                self.chains[at].clear();
                Ok(())
            }
            Command::Zero(None) => Ok(()),
            Command::Zero(Some(chain)) => self.existing(chain).map(|_at| ()),
            Command::NewChain(chain) => self.new_chain(chain),
            Command::DeleteChain(chain) => self.delete_chain(chain, source.span),
            Command::RenameChain(old, new) => self.rename(old, new),
            Command::Policy(chain, policy) => {
                let at = self.existing(chain)?;
                if self.chain_kind(chain.text) != ChainKind::Builtin {
                    return Err(policy.refuse(Code::UserChainPolicy, format!("`{}`", chain.text)));
                }
                self.chains[at].chain.policy = Some(parse_policy(policy)?);
                Ok(())
            }
        }
    }

    /// Checks what can only be seen in the whole table, and yields it.
    pub(crate) fn finish(self, findings: &mut Vec<Diagnostic>) -> Table {
        graph::check(self.name, &self.chains, &self.index, findings);
        let chains = self.chains.into_iter().map(|builder| builder.chain).collect();
        Table { name: self.name, span: self.span, chains }
    }

    /// Rules that were put in, whether or not they are still there.
    pub(crate) fn rules_added(&self) -> usize {
        self.rules_added
    }

    /// The place of a chain that exists; a built-in one always does.
    fn existing(&mut self, name: Value<'_>) -> Result<usize, Diagnostic> {
        match self.chain_kind(name.text) {
            ChainKind::Builtin => Ok(self.builtin(name.text, name.span)),
            ChainKind::User => Ok(self.index[name.text]),
            ChainKind::None => Err(name.refuse(Code::UndeclaredChain, format!("`{}`", name.text))),
        }
    }

    fn builtin(&mut self, name: &str, span: Span) -> usize {
        match self.index.get(name) {
            Some(at) => *at,
            None => self.push(name, Some(Policy::Accept), span),
        }
    }

    fn create(&mut self, name: Value<'_>) -> Result<usize, Diagnostic> {
        let shown = || format!("`{}`", name.text);
        if name.text.len() > limits::NAME_BYTES_MAX {
            return Err(name.refuse(Code::ChainNameTooLong, shown()));
        }
        if self.index.contains_key(name.text) || RESERVED.contains(&name.text) {
            return Err(name.refuse(Code::DuplicateChain, shown()));
        }
        Ok(self.push(name.text, None, name.span))
    }

    fn push(&mut self, name: &str, policy: Option<Policy>, span: Span) -> usize {
        let at = self.chains.len();
        let name = name.to_owned();
        self.index.insert(name.clone(), at);
        let chain = Chain { name, policy, counters: Counters::default(), span, rules: Vec::new() };
        self.chains.push(ChainBuilder { chain, needs: Vec::new() });
        at
    }

    /// `-N`, which is stricter than `:NAME`.
    fn new_chain(&mut self, name: Value<'_>) -> Result<(), Diagnostic> {
        let target = super::extension::find_target(name.text, self.family).is_some();
        let odd = name.text.starts_with(['-', '!']) || name.text.contains(char::is_whitespace);
        if target || odd || name.text.is_empty() {
            return Err(name.refuse(Code::BadTargetName, format!("`{}`", name.text)));
        }
        if self.chain_kind(name.text) == ChainKind::Builtin {
            return Err(name.refuse(Code::DuplicateChain, format!("`{}`", name.text)));
        }
        self.create(name).map(|_at| ())
    }

    /// Puts the rules of a line at `place`; the last address pair comes first there if that is
    /// not the end, as iptables inserts one after the other at the same number.
    fn insert(
        &mut self,
        at: usize,
        place: usize,
        draft: &Draft<'_>,
        source: &Source<'_>,
        findings: &mut Vec<Diagnostic>,
    ) {
        let Some(Built { mut rules, needs }) = self.build(at, draft, source, findings) else {
            return;
        };
        if matches!(draft.command, Some(Command::Insert(..))) {
            rules.reverse();
        }
        self.rules_added += rules.len();
        let chain = &mut self.chains[at];
        let all_needs = vec![needs; rules.len()];
        chain.chain.rules.splice(place..place, rules);
        chain.needs.splice(place..place, all_needs);
    }

    fn build(
        &self,
        at: usize,
        draft: &Draft<'_>,
        source: &Source<'_>,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Built> {
        let place = Place {
            family: self.family,
            table: self.name,
            chain: &self.chains[at].chain.name,
            chain_kind: &|name| self.chain_kind(name),
        };
        rule::build(draft, source, &place, findings)
    }

    /// `-D` with a rule: removes the first that says the same.
    fn delete_equal(
        &mut self,
        chain: Value<'_>,
        draft: &Draft<'_>,
        source: &Source<'_>,
        findings: &mut Vec<Diagnostic>,
    ) -> Result<(), Diagnostic> {
        let at = self.existing(chain)?;
        let Some(built) = self.build(at, draft, source, findings) else { return Ok(()) };
        for wanted in built.rules {
            let rules = &self.chains[at].chain.rules;
            let Some(place) = rules.iter().position(|rule| says_the_same(rule, &wanted)) else {
                return Err(Diagnostic::new(Code::BadRuleNumber, source.span, "no equal rule"));
            };
            self.chains[at].remove(place);
        }
        Ok(())
    }

    /// `-X`: removes one empty user chain, or all of them.
    fn delete_chain(&mut self, name: Option<Value<'_>>, span: Span) -> Result<(), Diagnostic> {
        let doomed: Vec<String> = match name {
            Some(name) => {
                self.existing(name)?;
                vec![name.text.to_owned()]
            }
            None => self.user_chains().map(|chain| chain.name.clone()).collect(),
        };
        for name in &doomed {
            let called = self.chains.iter().any(|builder| {
                builder.chain.rules.iter().any(|rule| graph::callee(rule) == Some(name))
            });
            let chain = &self.chains[self.index[name]].chain;
            if called || !chain.rules.is_empty() || chain.policy.is_some() {
                return Err(Diagnostic::new(Code::ChainInUse, span, format!("`{name}`")));
            }
        }
        self.chains.retain(|builder| !doomed.contains(&builder.chain.name));
        self.reindex();
        Ok(())
    }

    fn user_chains(&self) -> impl Iterator<Item = &Chain> {
        self.chains.iter().map(|builder| &builder.chain).filter(|chain| chain.policy.is_none())
    }

    fn rename(&mut self, old: Value<'_>, new: Value<'_>) -> Result<(), Diagnostic> {
        let at = self.existing(old)?;
        if self.chains[at].chain.policy.is_some() {
            return Err(old.refuse(Code::ChainInUse, format!("`{}` is built in", old.text)));
        }
        self.new_chain(new)?;
        self.chains.pop();
        self.chains[at].chain.name = new.text.to_owned();
        for builder in &mut self.chains {
            for rule in &mut builder.chain.rules {
                graph::rename_callee(rule, old.text, new.text);
            }
        }
        self.reindex();
        Ok(())
    }

    fn reindex(&mut self) {
        let names = self.chains.iter().map(|builder| builder.chain.name.clone());
        self.index = names.enumerate().map(|(at, name)| (name, at)).collect();
    }
}

impl ChainBuilder {
    fn remove(&mut self, place: usize) {
        self.chain.rules.remove(place);
        self.needs.remove(place);
    }

    fn clear(&mut self) {
        self.chain.rules.clear();
        self.needs.clear();
    }
}

fn parse_policy(value: Value<'_>) -> Result<Policy, Diagnostic> {
    match value.text {
        "ACCEPT" => Ok(Policy::Accept),
        "DROP" => Ok(Policy::Drop),
        other => Err(value.refuse(Code::UnknownPolicy, format!("`{other}`"))),
    }
}

/// A rule number from 1 to `max`, as an index from 0.
fn rule_number(value: Value<'_>, max: usize) -> Result<usize, Diagnostic> {
    let number = number::unsigned_u32(value.text).and_then(|number| usize::try_from(number).ok());
    match number {
        Some(number) if (1..=max).contains(&number) => Ok(number - 1),
        _ => {
            let detail = format!("`{}`, the chain has places 1 to {max}", value.text);
            Err(value.refuse(Code::BadRuleNumber, detail))
        }
    }
}

/// Whether two rules compare the same and do the same, wherever they stand.
fn says_the_same(one: &Rule, other: &Rule) -> bool {
    one.header == other.header
        && one.target.kind == other.target.kind
        && one.matches.len() == other.matches.len()
        && one.matches.iter().zip(&other.matches).all(|(one, other)| one.kind == other.kind)
}
