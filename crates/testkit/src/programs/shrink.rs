//! Makes a failing program smaller.

use super::{Program, Statement};

/// Most attempts; each runs a program on all engines.
const ATTEMPTS_MAX: usize = 2_000;

/// The smallest program found on the way down from `program` that still fails: statements leave, and
/// branches and loops give way to what is in them.
pub fn shrink(program: &Program, mut fails: impl FnMut(&Program) -> bool) -> Program {
    let mut best = program.clone();
    let mut attempts = 0;
    let mut at = 0;
    while attempts < ATTEMPTS_MAX {
        let Some(smaller) = Change::all().find_map(|change| {
            let candidate = changed(&best, at, change)?;
            attempts += 1;
            fails(&candidate).then_some(candidate)
        }) else {
            at += 1;
            if at >= size(&best) {
                break;
            }
            continue;
        };
        best = smaller;
    }
    alone(best, fails)
}

/// What can become of a statement.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Remove,
    /// The body in place of a branch or loop, the first or the second one.
    Body(usize),
    /// The instruction of this number leaves.
    RemoveInsn(usize),
}

impl Change {
    fn all() -> impl Iterator<Item = Self> {
        let bodies = (0..2).map(Self::Body);
        [Self::Remove].into_iter().chain(bodies).chain((0..8).map(Self::RemoveInsn))
    }
}

/// The program on one of its inputs, if it fails there alone.
fn alone(program: Program, mut fails: impl FnMut(&Program) -> bool) -> Program {
    let single = program.inputs.iter().map(|input| {
        let inputs = vec![input.clone()];
        Program { inputs, ..program.clone() }
    });
    let found = single.into_iter().find(|single| fails(single));
    found.unwrap_or(program)
}

fn size(program: &Program) -> usize {
    let bodies = std::iter::once(&program.main).chain(&program.functions);
    bodies.map(|body| count(body)).sum()
}

fn count(statements: &[Statement]) -> usize {
    let inside = |statement: &Statement| match statement {
        Statement::Straight(_) | Statement::Call { .. } => 0,
        Statement::If { then, otherwise, .. } => count(then) + count(otherwise),
        Statement::Loop { body, .. } => count(body),
    };
    statements.iter().map(|statement| 1 + inside(statement)).sum()
}

/// The program with its statement of number `at`, counted in order of writing, changed.
fn changed(program: &Program, mut at: usize, change: Change) -> Option<Program> {
    let mut program = program.clone();
    let bodies = std::iter::once(&mut program.main).chain(&mut program.functions);
    for body in bodies {
        match apply(body, &mut at, change) {
            Found::No => {}
            Found::Changed => return Some(program),
            Found::Same => return None,
        }
    }
    None
}

enum Found {
    /// The statement is not here; `at` is counted down.
    No,
    Changed,
    /// The change says nothing to this statement.
    Same,
}

fn apply(statements: &mut Vec<Statement>, at: &mut usize, change: Change) -> Found {
    for index in 0..statements.len() {
        if *at == 0 {
            return replace(statements, index, change);
        }
        *at -= 1;
        let bodies: Vec<&mut Vec<Statement>> = match &mut statements[index] {
            Statement::Straight(_) | Statement::Call { .. } => vec![],
            Statement::If { then, otherwise, .. } => vec![then, otherwise],
            Statement::Loop { body, .. } => vec![body],
        };
        for body in bodies {
            match apply(body, at, change) {
                Found::No => {}
                found @ (Found::Changed | Found::Same) => return found,
            }
        }
    }
    Found::No
}

fn replace(statements: &mut Vec<Statement>, index: usize, change: Change) -> Found {
    let with = match (change, &mut statements[index]) {
        (Change::Remove, _) => vec![],
        (Change::Body(0), Statement::If { then, .. }) => std::mem::take(then),
        (Change::Body(1), Statement::If { otherwise, .. }) => std::mem::take(otherwise),
        (Change::Body(0), Statement::Loop { body, .. }) => std::mem::take(body),
        (Change::RemoveInsn(number), Statement::Straight(insns))
            if insns.len() > 1 && number < insns.len() =>
        {
            let mut rest = insns.clone();
            rest.remove(number);
            vec![Statement::Straight(rest)]
        }
        (Change::Body(_) | Change::RemoveInsn(_), _) => return Found::Same,
    };
    statements.splice(index..=index, with);
    Found::Changed
}
