//! Sets of device names: one name, all names with a beginning, or all others.

use crate::model::{Interface, Negatable};

/// Whether every device that fulfils `narrow` fulfils `wide`; `None` is no condition.
pub(super) fn subsumes(
    wide: Option<&Negatable<Interface>>,
    narrow: Option<&Negatable<Interface>>,
) -> bool {
    let Some(wide) = wide else { return true };
    let Some(narrow) = narrow else { return is_everything(wide) };
    match (wide.negated, narrow.negated) {
        (false, false) => contains(&wide.value, &narrow.value),
        (true, false) => disjoint(&wide.value, &narrow.value),
        (true, true) => contains(&narrow.value, &wide.value),
        (false, true) => is_everything(wide) || is_nothing(narrow),
    }
}

/// Whether no device fulfils the condition.
pub(super) fn is_nothing(condition: &Negatable<Interface>) -> bool {
    condition.negated && is_prefix_of_all(&condition.value)
}

fn is_everything(condition: &Negatable<Interface>) -> bool {
    !condition.negated && is_prefix_of_all(&condition.value)
}

fn is_prefix_of_all(names: &Interface) -> bool {
    names.prefix && names.name.is_empty()
}

/// Whether all names of `part` are names of `whole`.
fn contains(whole: &Interface, part: &Interface) -> bool {
    match (whole.prefix, part.prefix) {
        (true, _) => part.name.starts_with(&whole.name),
        (false, false) => part.name == whole.name,
        (false, true) => false,
    }
}

fn disjoint(one: &Interface, other: &Interface) -> bool {
    match (one.prefix, other.prefix) {
        (false, false) => one.name != other.name,
        (true, false) => !other.name.starts_with(&one.name),
        (false, true) => !one.name.starts_with(&other.name),
        (true, true) => !one.name.starts_with(&other.name) && !other.name.starts_with(&one.name),
    }
}
