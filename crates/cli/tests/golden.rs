//! Commands with the text they print.
//!
//! Each file in `golden` begins with a command, run in the workspace's root; the rest is what it
//! must print. `BLESS=1 cargo test -p netloom-cli` writes the files anew.

mod process;

use std::fs;
use std::path::Path;

#[test]
fn commands_print_what_their_files_say() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut paths: Vec<_> = fs::read_dir(directory)
        .expect("the directory of golden files")
        .map(|entry| entry.expect("a readable directory").path())
        .collect();
    paths.sort();
    assert!(paths.len() >= 10, "golden files are missing");
    let is_blessing = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for path in &paths {
        let expected = fs::read_to_string(path).expect("a readable golden file");
        let got = transcript(expected.lines().next().unwrap_or_default());
        if got == expected {
            continue;
        }
        if is_blessing {
            fs::write(path, got).expect("a writable golden file");
        } else {
            wrong.push(format!("{}\n{}", path.display(), difference(&expected, &got)));
        }
    }
    assert!(wrong.is_empty(), "BLESS=1 accepts these changes:\n{}", wrong.join("\n"));
}

/// The command line, what it prints and its exit code.
fn transcript(line: &str) -> String {
    let mut words = line.split_whitespace();
    assert_eq!((words.next(), words.next()), (Some("$"), Some("netloom")), "{line}");
    let ran = process::netloom(&words.collect::<Vec<_>>());
    format!("{line}\n{}--- standard error\n{}--- exit code {}\n", ran.stdout, ran.stderr, ran.code)
}

fn difference(expected: &str, got: &str) -> String {
    let lines = expected.lines().zip(got.lines());
    let same = lines.take_while(|(expected, got)| expected == got).count();
    let from = |text: &str| text.lines().skip(same).take(12).collect::<Vec<_>>().join("\n");
    format!("line {}: expected\n{}\ngot\n{}", same + 1, from(expected), from(got))
}
