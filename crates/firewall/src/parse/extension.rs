//! Which matches and targets exist, and how their options are written.
//!
//! One row per extension, whether this crate compiles it or not: the rows decide where the
//! arguments of one extension end and those of the next begin, so that nothing is lost or
//! misattributed. Sources: iptables-extensions(8) of 1.8.9 for names, options and `!`; the
//! `xt_match` and `xt_target` definitions of the kernel for protocol, tables and hooks.

mod matches;
mod targets;

use crate::model::{Family, TableName};

/// A set of hooks by `enum nf_inet_hooks`: bit 0 is `PREROUTING`.
pub(crate) type Hooks = u8;

/// `PREROUTING`.
pub(crate) const PRE: Hooks = 1 << 0;
/// `INPUT`.
pub(crate) const IN: Hooks = 1 << 1;
/// `FORWARD`.
pub(crate) const FWD: Hooks = 1 << 2;
/// `OUTPUT`.
pub(crate) const OUT: Hooks = 1 << 3;
/// `POSTROUTING`.
pub(crate) const POST: Hooks = 1 << 4;
/// All five.
pub(crate) const ANY_HOOK: Hooks = 0b1_1111;

/// A match or target as the user names it.
#[derive(Debug)]
pub(crate) struct Extension {
    pub(crate) name: &'static str,
    /// `None` for both families.
    pub(crate) family: Option<Family>,
    /// The protocol that `-p` must name without `!`.
    pub(crate) protocol: Option<u8>,
    /// Tables it works in; empty for all.
    pub(crate) tables: &'static [TableName],
    /// Hooks that may lead to it.
    pub(crate) hooks: Hooks,
    /// Options of which exactly one must be given; empty for no such rule.
    pub(crate) one_of: &'static [&'static str],
    pub(crate) options: &'static [ExtensionOption],
}

/// A long option of an extension.
#[derive(Debug)]
pub(crate) struct ExtensionOption {
    /// Names separated by `|`; the first is the one that `iptables-save` prints.
    names: &'static str,
    pub(crate) arguments: u8,
    pub(crate) invertible: bool,
    pub(crate) mandatory: bool,
    pub(crate) repeatable: bool,
}

/// The match `name`, by its name or an alias, in `family`.
pub(crate) fn find_match(name: &str, family: Family) -> Option<&'static Extension> {
    let name = match name {
        "icmpv6" | "ipv6-icmp" if family == Family::V6 => "icmp6",
        "ipv6-mh" if family == Family::V6 => "mh",
        _ => name,
    };
    find(matches::MATCHES, name, family)
}

/// The target `name` in `family`.
pub(crate) fn find_target(name: &str, family: Family) -> Option<&'static Extension> {
    find(targets::TARGETS, name, family)
}

/// Whether the other family has a match or target of this name.
pub(crate) fn is_foreign(name: &str, family: Family) -> bool {
    let other = if family == Family::V4 { Family::V6 } else { Family::V4 };
    find_match(name, other).or_else(|| find_target(name, other)).is_some()
}

fn find(rows: &'static [Extension], name: &str, family: Family) -> Option<&'static Extension> {
    rows.iter().find(|row| row.name == name && row.family.is_none_or(|only| only == family))
}

impl ExtensionOption {
    /// The name that `iptables-save` prints.
    pub(crate) fn name(&self) -> &'static str {
        self.names.split_once('|').map_or(self.names, |(first, _)| first)
    }

    /// Whether `name` is one of the names.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.names.split('|').any(|own| own == name)
    }

    /// Whether one of the names starts with `prefix`.
    pub(crate) fn starts_with(&self, prefix: &str) -> bool {
        self.names.split('|').any(|own| own.starts_with(prefix))
    }

    const fn inv(mut self) -> Self {
        self.invertible = true;
        self
    }

    const fn must(mut self) -> Self {
        self.mandatory = true;
        self
    }

    const fn multi(mut self) -> Self {
        self.repeatable = true;
        self
    }
}

impl Extension {
    const fn v4(mut self) -> Self {
        self.family = Some(Family::V4);
        self
    }

    const fn v6(mut self) -> Self {
        self.family = Some(Family::V6);
        self
    }

    const fn protocol(mut self, protocol: u8) -> Self {
        self.protocol = Some(protocol);
        self
    }

    const fn tables(mut self, tables: &'static [TableName]) -> Self {
        self.tables = tables;
        self
    }

    const fn hooks(mut self, hooks: Hooks) -> Self {
        self.hooks = hooks;
        self
    }

    const fn one_of(mut self, one_of: &'static [&'static str]) -> Self {
        self.one_of = one_of;
        self
    }

    const fn options(mut self, options: &'static [ExtensionOption]) -> Self {
        self.options = options;
        self
    }
}

const fn ext(name: &'static str) -> Extension {
    Extension {
        name,
        family: None,
        protocol: None,
        tables: &[],
        hooks: ANY_HOOK,
        one_of: &[],
        options: &[],
    }
}

const fn option(names: &'static str, arguments: u8) -> ExtensionOption {
    ExtensionOption { names, arguments, invertible: false, mandatory: false, repeatable: false }
}

/// An option without argument.
const fn flag(names: &'static str) -> ExtensionOption {
    option(names, 0)
}

/// An option with one argument.
const fn value(names: &'static str) -> ExtensionOption {
    option(names, 1)
}

/// An option with two arguments.
const fn pair(names: &'static str) -> ExtensionOption {
    option(names, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_once_per_family() {
        for rows in [matches::MATCHES, targets::TARGETS] {
            for family in [Family::V4, Family::V6] {
                let mut names: Vec<_> = rows
                    .iter()
                    .filter(|row| row.family.is_none_or(|only| only == family))
                    .map(|row| row.name)
                    .collect();
                let all = names.len();
                names.sort_unstable();
                names.dedup();
                assert_eq!(names.len(), all);
            }
        }
    }

    #[test]
    fn only_the_family_of_a_match_finds_it() {
        assert!(find_match("ttl", Family::V4).is_some());
        assert!(find_match("ttl", Family::V6).is_none());
        assert!(is_foreign("ttl", Family::V6));
        assert_eq!(find_match("icmpv6", Family::V6).map(|row| row.name), Some("icmp6"));
        assert!(find_match("icmpv6", Family::V4).is_none());
    }
}
