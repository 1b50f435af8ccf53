//! The helper functions that programs of the public suite call.
//!
//! Their numbers are not the kernel's: the suite took them over from ubpf's tests
//! (`ubpf_plugin/test_helpers.h` there), as all plugins do.

use netloom_vm::{Call, Embedded, FaultKind, Outcome};

/// The suite's helpers.
pub(crate) const HELPERS: &[Embedded] = &[
    Embedded { id: 0, run: gather_bytes },
    Embedded { id: 1, run: memfrob },
    Embedded { id: 2, run: nothing },
    Embedded { id: 3, run: square_root },
    Embedded { id: 4, run: compare_strings },
    Embedded { id: 5, run: unwind },
];

/// What `memfrob(3)` applies to each byte.
const FROB: u8 = 42;

/// The low bytes of all five arguments, the first one uppermost.
#[expect(clippy::unnecessary_wraps, reason = "the type of every helper")]
fn gather_bytes(call: &mut Call<'_, '_>) -> Result<Outcome, FaultKind> {
    let gathered = call.arguments().iter().fold(0, |sum, argument| sum << 8 | (argument & 0xff));
    Ok(Outcome::Return(gathered))
}

/// Applies [`FROB`] to `r2` bytes at `r1`.
fn memfrob(call: &mut Call<'_, '_>) -> Result<Outcome, FaultKind> {
    let [address, bytes, ..] = call.arguments();
    for offset in 0..bytes {
        let mut byte = [0];
        let at = address.wrapping_add(offset);
        call.read(at, &mut byte)?;
        call.write(at, &byte.map(|byte| byte ^ FROB))?;
    }
    Ok(Outcome::Return(0))
}

#[expect(clippy::unnecessary_wraps, reason = "the type of every helper")]
fn nothing(_: &mut Call<'_, '_>) -> Result<Outcome, FaultKind> {
    Ok(Outcome::Return(0))
}

#[expect(clippy::unnecessary_wraps, reason = "the type of every helper")]
fn square_root(call: &mut Call<'_, '_>) -> Result<Outcome, FaultKind> {
    let [square, ..] = call.arguments();
    Ok(Outcome::Return(square.isqrt()))
}

/// `strcmp(3)`: the difference of the first bytes that differ.
fn compare_strings(call: &mut Call<'_, '_>) -> Result<Outcome, FaultKind> {
    let [mut left, mut right, ..] = call.arguments();
    loop {
        let (mut a, mut b) = ([0], [0]);
        call.read(left, &mut a)?;
        call.read(right, &mut b)?;
        if a != b || a == [0] {
            let difference = i64::from(a[0]) - i64::from(b[0]);
            return Ok(Outcome::Return(difference.cast_unsigned()));
        }
        (left, right) = (left.wrapping_add(1), right.wrapping_add(1));
    }
}

/// Gives back its argument; ends the run if that is 0.
#[expect(clippy::unnecessary_wraps, reason = "the type of every helper")]
fn unwind(call: &mut Call<'_, '_>) -> Result<Outcome, FaultKind> {
    let [value, ..] = call.arguments();
    Ok(if value == 0 { Outcome::End(0) } else { Outcome::Return(value) })
}
