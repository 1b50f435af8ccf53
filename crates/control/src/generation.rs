//! One generation of rules: its programs and its description.
//!
//! ```text
//! gen_<number>/
//!     description     map with one value: JSON, see `Description`
//!     guard           map: what the pre-filter expects of the path
//!     <program>       programs
//! ```
//! The description is pinned last: a directory without one was never finished.

use std::collections::HashSet;

use netloom_abi::{MapKind, MapSpec};
use netloom_firewall::model::{Family, Ruleset};
use netloom_firewall::parse::{ParseOptions, parse};
use netloom_firewall::{Identity, Leniency, Place, Plan, Slots, plan};
use netloom_sys::bpf::{Map, UpdateMode};
use serde::{Deserialize, Serialize};

use crate::error::ControlError;
use crate::store::Store;

/// Version of the stored description.
const SCHEMA: u32 = 1;
const FILE: &str = "description";

/// What a generation is made of, as it is stored with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Version of this form.
    pub schema: u32,
    /// The rulesets, at most one of each family.
    pub sources: Vec<Source>,
    /// Devices with the pre-filter, by name.
    pub devices: Vec<String>,
    /// When it was applied, in milliseconds of Unix time.
    pub applied_unix_ms: u64,
    /// Whether a rule asks for the connection state.
    pub needs_conntrack: bool,
    /// Counter slots by rule.
    slots: Vec<(String, u32)>,
}

/// One ruleset with what was done to make it run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Where the text came from, for display.
    pub name: String,
    /// `true` for `ip6tables`.
    pub ipv6: bool,
    /// The text.
    pub text: String,
    /// Rules that are not compiled are left out.
    pub skip_unsupported: bool,
    /// REJECT drops without an answer.
    pub reject_as_drop: bool,
}

/// A rule that does not run as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The ruleset's family.
    pub family: Family,
    /// The rule's line.
    pub line: u32,
    /// The rule.
    pub rule: String,
    /// `true`: REJECT drops without an answer; `false`: the rule is left out.
    pub weakened: bool,
    /// Why.
    pub reason: String,
}

impl Source {
    /// The family of the ruleset.
    pub fn family(&self) -> Family {
        if self.ipv6 { Family::V6 } else { Family::V4 }
    }

    /// What may be done to make it run.
    pub fn leniency(&self) -> Leniency {
        Leniency { skip_unsupported: self.skip_unsupported, reject_as_drop: self.reject_as_drop }
    }

    /// The rules.
    ///
    /// # Errors
    /// [`ControlError::Stored`] when the text is not a ruleset to this version of the program.
    pub fn ruleset(&self) -> Result<Ruleset, ControlError> {
        parse(self.text.as_bytes(), ParseOptions { family: Some(self.family()) })
            .map(|parsed| parsed.ruleset)
            .map_err(|findings| ControlError::Stored {
                what: format!("ruleset {}", self.name),
                reason: findings.first().map(ToString::to_string).unwrap_or_default(),
            })
    }
}

impl Description {
    /// A description of generation content about to be applied.
    pub(crate) fn new(sources: Vec<Source>, devices: Vec<String>, slots: &Slots) -> Self {
        let mut stored: Vec<(String, u32)> =
            slots.iter().map(|(identity, slot)| (identity.as_str().to_owned(), slot)).collect();
        stored.sort_by_key(|row| row.1);
        Self {
            schema: SCHEMA,
            sources,
            devices,
            applied_unix_ms: 0,
            needs_conntrack: false,
            slots: stored,
        }
    }

    /// The rules.
    ///
    /// # Errors
    /// [`ControlError::Stored`] when a text is not a ruleset to this version of the program.
    pub fn rulesets(&self) -> Result<Vec<Ruleset>, ControlError> {
        self.sources.iter().map(Source::ruleset).collect()
    }

    /// The rules that do not run as they are written.
    ///
    /// # Errors
    /// As [`Self::rulesets`].
    pub fn left_out(&self) -> Result<Vec<LeftOut>, ControlError> {
        let mut rows = Vec::new();
        for source in &self.sources {
            let ruleset = source.ruleset()?;
            rows.extend(left_out(&ruleset, &plan(&ruleset), source.leniency()));
        }
        Ok(rows)
    }

    /// The counter slots as they are stored, for the rules of another generation to keep.
    pub(crate) fn stored_slots(&self) -> Slots {
        let identities = self.slots.iter();
        Slots::from_identities(
            identities.map(|(text, slot)| (Identity::from_stored(text.clone()), *slot)),
        )
    }

    /// The counter slots of this generation's rules.
    ///
    /// # Errors
    /// As [`Self::rulesets`].
    pub fn slots(&self) -> Result<Slots, ControlError> {
        let rulesets = self.rulesets()?;
        let rulesets: Vec<&Ruleset> = rulesets.iter().collect();
        Ok(Slots::assign(&rulesets, &self.stored_slots(), &HashSet::new()))
    }

    /// Reads a generation's description; `None` where it was never finished.
    pub(crate) fn load(store: &Store, number: u8) -> Result<Option<Self>, ControlError> {
        let path = store.generation_path(number).join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let map = Map::pinned(&path).map_err(ControlError::Bpf)?;
        let value = map.lookup(&[0; 4]).map_err(ControlError::Bpf)?.unwrap_or_default();
        let stored = |reason: String| ControlError::Stored {
            what: format!("description of generation {number}"),
            reason,
        };
        let description: Self =
            serde_json::from_slice(&value).map_err(|error| stored(error.to_string()))?;
        if description.schema != SCHEMA {
            return Err(stored(format!("schema {} instead of {SCHEMA}", description.schema)));
        }
        Ok(Some(description))
    }

    /// Stores the description, which completes the generation.
    pub(crate) fn save(&self, store: &Store, number: u8) -> Result<(), ControlError> {
        let text = serde_json::to_vec(self).expect("strings and numbers become JSON");
        let size = u32::try_from(text.len()).ok().ok_or(ControlError::Stored {
            what: format!("description of generation {number}"),
            reason: "over 4 GiB".into(),
        })?;
        let map = Map::create(&MapSpec::new("fw_description", MapKind::Array, 4, size, 1))
            .map_err(ControlError::Bpf)?;
        map.update(&[0; 4], &text, UpdateMode::Any).map_err(ControlError::Bpf)?;
        map.pin(&store.generation_path(number).join(FILE)).map_err(ControlError::Bpf)
    }
}

/// The rules of a plan that do not run as they are written.
pub(crate) fn left_out(ruleset: &Ruleset, plan: &Plan, leniency: Leniency) -> Vec<LeftOut> {
    let row = |line, rule: String, weakened, reason| LeftOut {
        family: ruleset.family,
        line,
        rule,
        weakened,
        reason,
    };
    let policies = plan
        .policies
        .iter()
        .map(|policy| row(policy.span.line, policy.item.clone(), false, policy.reason.clone()));
    let rules = plan.rules.iter().filter_map(|placed| {
        let reason = match &placed.place {
            Place::Unsupported(reasons) => {
                let reasons: Vec<String> =
                    reasons.iter().map(|one| format!("{}: {}", one.item, one.reason)).collect();
                reasons.join("; ")
            }
            Place::Reject => "no hook can answer the sender".into(),
            Place::Prefilter | Place::Netfilter | Place::Unreached => return None,
        };
        let chain = ruleset.table(placed.table)?.chain(&placed.chain)?;
        let text = chain.rules.get(placed.index)?.text.clone();
        let weakened = placed.place == Place::Reject && leniency.reject_as_drop;
        Some(row(placed.span.line, text, weakened, reason))
    });
    policies.chain(rules).collect()
}
