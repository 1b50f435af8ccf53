//! Rule → steps over the packet key, in the kernel's order of evaluation.
//!
//! The order matters in two ways. A match that reads a transport header which is not there makes
//! the kernel drop the packet at once (`hotdrop`), but only if everything before it held; and a
//! limit takes a token only if everything before it held. [`Step::Need`] and [`Step::Limit`] keep
//! these points; between them, tests commute.

mod condition;
mod test;

pub(crate) use test::{Test, Word};

use crate::key::Field;
use crate::model::{
    CtStates, Family, HeaderMatch, Interface, Limit, Negatable, PktType, Rule, Span, Target,
};
use crate::{Hook, Point};

/// A rule, ready for code generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lowered<'a> {
    /// Conditions, all of which must hold.
    pub(crate) steps: Vec<Step>,
    /// What happens then.
    pub(crate) action: Action<'a>,
}

/// One step of a rule's evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Holds or not, without side effects.
    Test(Test),
    /// From here on the packet must be well-formed in the way this field says (all ones), or it
    /// is dropped.
    Need(Field),
    /// Holds while the bucket has tokens, and takes one.
    Limit(Limit),
}

/// What a rule does to a packet that fulfils its conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action<'a> {
    /// Count, go on.
    Count,
    /// The packet passes this table.
    Accept,
    /// The packet is dropped.
    Drop,
    /// Go on behind the caller.
    Return,
    /// Go on in a chain, come back here.
    Jump(&'a str),
    /// Go on in a chain, come back where this chain would return to.
    Goto(&'a str),
    /// Send a record, go on.
    Record,
    /// Drop, where the rule asks for an answer too.
    DropForReject,
}

impl<'a> Action<'a> {
    /// The chain that a target leads to.
    pub(crate) fn callee(target: &'a Target) -> Option<&'a str> {
        if let Target::Jump(chain) | Target::Goto(chain) = target { Some(chain) } else { None }
    }
}

/// Why a rule is not compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// The match or target, e.g. `match recent`, `target MASQUERADE`.
    pub item: String,
    /// Where it stands.
    pub span: Span,
    /// What is missing, in one sentence without a full stop.
    pub reason: String,
}

/// The steps and the action of `rule` when it is evaluated at `point`.
pub(crate) fn lower(family: Family, point: Point, rule: &Rule) -> Result<Lowered<'_>, Unsupported> {
    let mut steps = Vec::new();
    header(family, &rule.header, &mut steps);
    for item in &rule.matches {
        condition::lower(family, point.hook, &item.kind, &mut steps).map_err(|refusal| {
            Unsupported { item: refusal.item, span: item.span, reason: refusal.reason }
        })?;
    }
    let action = action(&rule.target.kind).map_err(|refusal| Unsupported {
        item: refusal.item,
        span: rule.target.span,
        reason: refusal.reason,
    })?;
    Ok(Lowered { steps, action })
}

/// A refusal without its position.
struct Refusal {
    item: String,
    reason: String,
}

fn header(family: Family, header: &HeaderMatch, steps: &mut Vec<Step>) {
    let mut test = |test: Option<Test>| steps.extend(test.map(Step::Test));
    for (field, address) in
        [(Field::Source, &header.source), (Field::Destination, &header.destination)]
    {
        if let Some(Negatable { negated, value }) = address {
            test(Test::equal(test::address_words(field, value), *negated));
        }
    }
    for (field, interface) in
        [(Field::InName, &header.in_interface), (Field::OutName, &header.out_interface)]
    {
        if let Some(Negatable { negated, value }) = interface {
            test(Test::equal(device_words(field, value), *negated));
        }
    }
    if let Some(Negatable { negated, value }) = header.protocol {
        if family == Family::V6 {
            steps.push(Step::Need(Field::ChainOk));
        }
        let word = Word::whole(Field::Protocol, u32::from(value));
        steps.extend(Test::equal(vec![word], negated).map(Step::Test));
    }
    if let Some(first_only) = header.fragment {
        let word = Word::whole(Field::FragmentOffset, 0);
        steps.extend(Test::equal(vec![word], !first_only).map(Step::Test));
    }
}

/// The name with its terminating zero, or without where it is a prefix.
fn device_words(field: Field, interface: &Interface) -> Vec<Word> {
    let mut value = [0u8; 16];
    let mut mask = [0u8; 16];
    let length = interface.name.len().min(15);
    value[..length].copy_from_slice(&interface.name.as_bytes()[..length]);
    mask[..length + usize::from(!interface.prefix)].fill(0xff);
    let word = |bytes: &[u8; 16], index: usize| {
        u32::from_le_bytes([0, 1, 2, 3].map(|byte| bytes[index * 4 + byte]))
    };
    (0..4u8)
        .map(|index| Word {
            offset: field.word(index),
            mask: word(&mask, index.into()),
            value: word(&value, index.into()),
        })
        .collect()
}

fn action(target: &Target) -> Result<Action<'_>, Refusal> {
    Ok(match target {
        Target::None => Action::Count,
        Target::Accept => Action::Accept,
        Target::Drop => Action::Drop,
        Target::Return => Action::Return,
        Target::Jump(chain) => Action::Jump(chain),
        Target::Goto(chain) => Action::Goto(chain),
        Target::Log(_) | Target::Nflog(_) => Action::Record,
        Target::Reject(_) => Action::DropForReject,
        Target::Unsupported { name, reason, .. } => {
            return Err(Refusal { item: format!("target {name}"), reason: reason.clone() });
        }
    })
}
