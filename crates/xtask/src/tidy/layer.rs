//! A crate uses only crates of lower layers.

use super::{File, Finding};

const PREFIX: &str = "netloom-";

/// Each crate's layer, as `ARCHITECTURE.md` draws them. Those from `testkit` on serve tests and
/// chores, so nothing that ships can reach them.
#[rustfmt::skip]
const LAYERS: [(&str, u8); 18] = [
    ("isa",      0),
    ("packet",   0),
    ("btf",      0),
    ("cbpf",     1),
    ("abi",      1),
    ("object",   2),
    ("maps",     2),
    ("sys",      2),
    ("vm",       3),
    ("kernel",   3),
    ("firewall", 3),
    ("conformance", 4),
    ("control",  4),
    ("hooks",    5),
    ("cli",      6),
    ("testkit",  7),
    ("bench",    8),
    ("xtask",    8),
];

pub(super) fn check(file: &File) -> Vec<Finding> {
    let Some(name) = crate_of(&file.path) else { return Vec::new() };
    let Some(layer) = layer(name) else {
        let message = format!("the crate `{name}` has no row in the table of layers");
        return vec![Finding::new(file, 1, message)];
    };
    let mut findings = Vec::new();
    for (line, used) in dependencies(&file.text) {
        let message = match self::layer(used) {
            Some(below) if below < layer => continue,
            Some(other) => format!("`{name}` (layer {layer}) uses `{used}` (layer {other})"),
            None => format!("`{name}` uses `{used}`, which has no row in the table of layers"),
        };
        findings.push(Finding::new(file, line, message));
    }
    findings
}

fn layer(name: &str) -> Option<u8> {
    LAYERS.iter().find(|(other, _)| *other == name).map(|(_, layer)| *layer)
}

/// The crate whose manifest `path` is.
fn crate_of(path: &str) -> Option<&str> {
    let name = path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
    (!name.contains('/')).then_some(name)
}

/// The workspace's crates that a manifest depends on, each with its line; tests may use any.
fn dependencies(manifest: &str) -> Vec<(usize, &str)> {
    let mut is_counted = false;
    let mut found = Vec::new();
    for (index, line) in manifest.lines().enumerate() {
        let line = line.split('#').next().unwrap_or(line);
        if let Some(section) = line.trim_start().strip_prefix('[') {
            is_counted = section.contains("dependencies") && !section.contains("dev-dependencies");
        }
        if let Some(at) = line.find(PREFIX).filter(|_| is_counted) {
            let name = &line[at + PREFIX.len()..];
            let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
            found.push((index + 1, &name[..end.unwrap_or(name.len())]));
        }
    }
    found
}
