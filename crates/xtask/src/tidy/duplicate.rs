//! No two functions have the same body.

use std::collections::HashMap;

use super::token::{Token, tokens};
use super::{File, Finding};

/// Shorter bodies are alike by chance.
const LINES_MIN: usize = 6;

/// A function whose body is long enough to be compared.
struct Function<'a> {
    name: &'a str,
    line: usize,
    /// The body's tokens with one space between: layout and comments make no difference.
    body: String,
}

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let mut first: HashMap<String, String> = HashMap::new();
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        for Function { name, line, body } in functions(&tokens(&file.text)) {
            let place = format!("`{name}` at {}:{line}", file.path);
            if let Some(other) = first.get(&body) {
                let message = format!("`{name}` has the same body as {other}");
                findings.push(Finding::new(file, line, message));
            } else {
                first.insert(body, place);
            }
        }
    }
    findings
}

fn functions<'a>(tokens: &[Token<'a>]) -> Vec<Function<'a>> {
    let named = tokens.windows(2).enumerate().filter(|(_, pair)| {
        pair[0].text == "fn" && pair[1].text.starts_with(|c: char| c.is_alphabetic() || c == '_')
    });
    named.filter_map(|(at, pair)| function(pair[1], &tokens[at + 2..])).collect()
}

/// The function `name`, of which `rest` is what follows the name.
fn function<'a>(name: Token<'a>, rest: &[Token<'a>]) -> Option<Function<'a>> {
    let open = signature_end(rest).filter(|at| rest[*at].text == "{")?;
    let close = open + body_end(&rest[open..])?;
    let body = &rest[open + 1..close];
    let (from, to) = (body.first()?.line, body.last()?.line);
    (to - from + 1 >= LINES_MIN).then(|| Function {
        name: name.text,
        line: name.line,
        body: body.iter().map(|token| token.text).collect::<Vec<_>>().join(" "),
    })
}

/// The first `{` or `;` outside parentheses and brackets.
fn signature_end(tokens: &[Token<'_>]) -> Option<usize> {
    let mut depth = 0_i32;
    tokens.iter().position(|token| {
        depth += match token.text {
            "(" | "[" => 1,
            ")" | "]" => -1,
            _ => 0,
        };
        depth == 0 && matches!(token.text, "{" | ";")
    })
}

/// The `}` that closes the `{` which `tokens` begins with.
fn body_end(tokens: &[Token<'_>]) -> Option<usize> {
    let mut depth = 0_i32;
    tokens.iter().position(|token| {
        depth += match token.text {
            "{" => 1,
            "}" => -1,
            _ => 0,
        };
        depth == 0
    })
}
