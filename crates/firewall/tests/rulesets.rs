//! Real rulesets parse without loss.

#![expect(clippy::print_stdout, reason = "skips are told on standard output")]

use std::path::{Path, PathBuf};

use netloom_firewall::model::{Family, Ruleset};
use netloom_firewall::parse::{ParseOptions, parse};

/// Real rulesets lie beside the workspace on machines that have them.
fn rulesets() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/rulesets");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: {} is not there", folder.display());
        return Vec::new();
    };
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "save"))
        .collect();
    files.sort();
    files
}

fn rule_lines(text: &str) -> Vec<&str> {
    text.lines()
        .filter(|line| ["-A ", "-I ", "["].iter().any(|start| line.starts_with(start)))
        .collect()
}

fn read(path: &Path) -> (String, Ruleset) {
    let text = std::fs::read_to_string(path).expect("a readable ruleset");
    match parse(text.as_bytes(), ParseOptions::default()) {
        Ok(parsed) => (text, parsed.ruleset),
        Err(errors) => {
            let lines: Vec<_> = errors.iter().map(ToString::to_string).collect();
            panic!("{}:\n{}", path.display(), lines.join("\n"));
        }
    }
}

#[test]
fn every_real_ruleset_parses_with_every_rule() {
    for path in rulesets() {
        let (text, ruleset) = read(&path);
        assert_eq!(ruleset.rule_count(), rule_lines(&text).len(), "{}", path.display());
    }
}

#[test]
fn the_family_of_every_real_ruleset_is_found() {
    for path in rulesets() {
        let (_, ruleset) = read(&path);
        let name = path.to_string_lossy();
        let v6 = name.contains(".v6.") || name.contains("ip6tables");
        let expected = if v6 { Family::V6 } else { Family::V4 };
        assert_eq!(ruleset.family, expected, "{name}");
    }
}
