//! Runs tests and tells how each ended.

use std::io::Write;

use netloom_conformance::{Engine, Verdict};
use serde::Serialize;

use super::files::Test;
use crate::columns::{Columns, Side};
use crate::failure::Failure;
use crate::output::{Outcome, Output};
use crate::plain::plain;

/// The version of this command's documents.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Body {
    engines: Vec<Summary>,
    tests: Vec<Row>,
}

/// How many tests of an engine ended how.
#[derive(Serialize)]
struct Summary {
    engine: String,
    passed: usize,
    failed: usize,
    skipped: usize,
}

#[derive(Serialize)]
struct Row {
    file: String,
    /// Its name in its file, if the file has several.
    test: Option<String>,
    engine: String,
    status: String,
    reason: Option<String>,
}

/// Runs the tests on the engines.
pub(super) fn run(
    tests: &[Test],
    engines: &mut [Box<dyn Engine>],
    is_verbose: bool,
    output: &Output,
) -> Result<Outcome, Failure> {
    let mut body = Body { engines: Vec::new(), tests: Vec::new() };
    for engine in engines {
        let mut summary =
            Summary { engine: engine.name().into(), passed: 0, failed: 0, skipped: 0 };
        for test in tests {
            let verdict = test.run(engine.as_mut());
            summary.count(&verdict);
            body.tests.push(Row {
                file: test.file.clone(),
                test: test.name.clone(),
                engine: engine.name().into(),
                status: verdict.to_string(),
                reason: verdict.reason().map(str::to_owned),
            });
        }
        body.engines.push(summary);
    }
    if output.is_json() {
        output.document(SCHEMA, &body)?;
    } else {
        print(&body, is_verbose, output)?;
    }
    let is_good = body.engines.iter().all(|summary| summary.failed == 0);
    Ok(if is_good { Outcome::Done } else { Outcome::Refused })
}

fn print(body: &Body, is_verbose: bool, output: &Output) -> Result<(), Failure> {
    let columns =
        [("TEST", Side::Left), ("ENGINE", Side::Left), ("", Side::Left), ("REASON", Side::Left)];
    let mut table = Columns::new(&columns);
    for row in body.tests.iter().filter(|row| is_verbose || row.reason.is_some()) {
        let reason = plain(row.reason.as_deref().unwrap_or_default()).into_owned();
        let engine = plain(&row.engine).into_owned();
        let test = match &row.test {
            Some(test) => format!("{}: {}", row.file, plain(test)),
            None => row.file.clone(),
        };
        table.push([test, engine, row.status.clone(), reason]);
    }
    let mut out = output.text();
    if !table.is_empty() {
        table.write(&mut out, output.is_styled())?;
    }
    for Summary { engine, passed, failed, skipped } in &body.engines {
        let engine = plain(engine);
        writeln!(out, "{engine}: {passed} passed, {failed} failed, {skipped} skipped")?;
    }
    Ok(out.flush()?)
}

impl Summary {
    fn count(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed(_) => self.failed += 1,
            Verdict::Skipped(_) => self.skipped += 1,
        }
    }
}
