//! The real tools, each run in a network namespace of its own that ends with it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use netloom_firewall::model::{Family, TableName};

/// Why the real tools cannot be asked, if they cannot.
pub(super) fn missing() -> Option<String> {
    for family in [Family::V4, Family::V6] {
        let script = format!("{}-legacy-restore < /dev/null", program(family));
        let run = Command::new("unshare").args(["-n", "sh", "-c", &script]).output();
        match run {
            Err(error) => return Some(format!("unshare cannot be run: {error}")),
            Ok(output) if !output.status.success() => {
                let text = String::from_utf8_lossy(&output.stderr);
                return Some(format!("`{script}` in a namespace: {}", text.trim()));
            }
            Ok(_) => {}
        }
    }
    None
}

/// What the tool prints for `tables` of `text` after it loaded it; its message if it refuses.
/// With `counters`, those of the text are loaded and those of rules are printed.
pub(super) fn save(
    text: &str,
    family: Family,
    tables: &[TableName],
    counters: bool,
) -> Result<String, String> {
    save_after("true", text, family, tables, counters)
}

/// [`save`] in a namespace in which the command `setup` ran first.
pub(super) fn save_after(
    setup: &str,
    text: &str,
    family: Family,
    tables: &[TableName],
    counters: bool,
) -> Result<String, String> {
    let names: Vec<_> = tables.iter().map(|table| table.as_str()).collect();
    let program = program(family);
    let flag = if counters { "-c" } else { "" };
    let script = format!(
        "{setup} < /dev/null; {program}-legacy-restore {flag} > /dev/null || exit 9; \
         for table in {}; do {program}-legacy-save {flag} -t $table || exit 8; done",
        names.join(" ")
    );
    run(&script, text)
}

/// What `-L -n` prints with `options` after the tool loaded `text`.
pub(super) fn list(
    text: &str,
    family: Family,
    table: TableName,
    options: &str,
) -> Result<String, String> {
    let program = program(family);
    let table = table.as_str();
    let script = format!(
        "{program}-legacy-restore -c > /dev/null || exit 9; {program}-legacy -t {table} -L -n {options}"
    );
    run(&script, text)
}

fn program(family: Family) -> &'static str {
    match family {
        Family::V4 => "iptables",
        Family::V6 => "ip6tables",
    }
}

fn run(script: &str, input: &str) -> Result<String, String> {
    let mut child = Command::new("unshare")
        .args(["-n", "sh", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    if let Some(mut stdin) = child.stdin.take() {
        // A tool that refuses early closes the pipe; what it says comes with its output.
        drop(stdin.write_all(input.as_bytes()));
    }
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
