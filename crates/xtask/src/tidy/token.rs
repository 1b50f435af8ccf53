//! Rust text as tokens, as far as comparing function bodies needs them.

/// A piece of Rust text that is neither white space nor comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    /// The line it starts on, counted from 1.
    pub(super) line: usize,
}

/// Splits `source`: names, numbers and literals are whole, any other sign is by itself. Any text
/// is accepted; what cannot be Rust comes out in some way.
pub(super) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = source;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let (length, is_code) = if first.is_whitespace() {
            (first.len_utf8(), false)
        } else if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), false)
        } else if rest.starts_with("/*") {
            (block_comment(rest), false)
        } else {
            (code(rest, first), true)
        };
        let (text, after) = rest.split_at(length);
        if is_code {
            tokens.push(Token { text, line });
        }
        line += text.matches('\n').count();
        rest = after;
    }
    tokens
}

/// The length in bytes of the token that `rest` begins with, whose first character is `first`.
fn code(rest: &str, first: char) -> usize {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    if first == '"' {
        return quoted(rest, '"');
    }
    if first == '\'' {
        let mut after = rest.chars().skip(1);
        let (second, third) = (after.next(), after.next());
        let is_literal = second == Some('\\') || third == Some('\'');
        return if is_literal { quoted(rest, '\'') } else { 1 };
    }
    if !is_word(first) {
        return first.len_utf8();
    }
    let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
    let after = &rest[word..];
    match &rest[..word] {
        "r" | "br" | "cr" => word + raw_string(after).unwrap_or(0),
        "b" | "c" if after.starts_with('"') => word + quoted(after, '"'),
        "b" if after.starts_with('\'') => word + quoted(after, '\''),
        _ => word,
    }
}

/// The length of a block comment, whose inner block comments nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(found) = rest[at..].find(['/', '*']) {
        at += found;
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The length of a literal from its first `quote` to the next one not behind a backslash.
fn quoted(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if c == quote && !is_escaped {
            return at + c.len_utf8();
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    rest.len()
}

/// The length of a raw string after its prefix letters; `None` when none follows.
fn raw_string(after: &str) -> Option<usize> {
    let hashes = after.find(|c| c != '#')?;
    let body = after[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    Some(body.find(&close).map_or(after.len(), |at| hashes + 1 + at + close.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<&str> {
        tokens(source).iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_white_space_are_no_tokens() {
        assert_eq!(texts("a /* b /* c */ d */ e // f\n g"), ["a", "e", "g"]);
    }

    #[test]
    fn braces_in_literals_are_inside_one_token() {
        assert_eq!(
            texts(r#"f("{\"", '{', b'\'', 'a)"#),
            ["f", "(", r#""{\"""#, ",", "'{'", ",", r"b'\''", ",", "'", "a", ")"]
        );
        assert_eq!(
            texts(r###"x(r#"}"{"#) br"{\" r#fn"###),
            ["x", "(", r##"r#"}"{"#"##, ")", r#"br"{\""#, "r", "#", "fn"]
        );
    }

    #[test]
    fn lines_are_counted_through_everything() {
        let found = tokens("a\n/*\n*/ \"\n\" b");
        assert_eq!(found.iter().map(|token| token.line).collect::<Vec<_>>(), [1, 3, 4]);
    }

    #[test]
    fn unclosed_text_ends_with_the_file() {
        for source in ["\"a", "'\\", "/* a", "r#\"a\"", "b'", "ä'ö"] {
            let length: usize = texts(source).iter().map(|text| text.len()).sum();
            assert!(length <= source.len());
        }
    }
}
