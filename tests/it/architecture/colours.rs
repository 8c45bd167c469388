//! Colours live in `styles/tokens.css` only, so that light, dark and high contrast are one place.

use super::files::File;
use super::{every, made_up};

const FUNCTIONS: [&str; 9] =
    ["rgb(", "rgba(", "hsl(", "hsla(", "hwb(", "lab(", "lch(", "oklab(", "oklch("];
const NAMES: [&str; 12] = [
    "white", "black", "red", "green", "blue", "yellow", "orange", "purple", "pink", "gray", "grey",
    "brown",
];

/// Colours written out in a line of CSS, after the colon of a declaration.
fn in_css(line: &str) -> Vec<String> {
    let Some((_, value)) = line.split_once(':') else { return Vec::new() };
    let mut found = written_out(value);
    let words = value.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    found.extend(words.filter(|word| NAMES.contains(word)).map(str::to_owned));
    found
}

/// Hex codes and colour functions. A function that starts from a token, as in
/// `oklch(from var(--leader) ...)`, is no new colour.
fn written_out(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices('#') {
        let digits: String =
            text[at + 1..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        let is_hex = digits.chars().all(|c| c.is_ascii_hexdigit());
        if is_hex && [3, 4, 6, 8].contains(&digits.len()) {
            found.push(format!("#{digits}"));
        }
    }
    for function in FUNCTIONS {
        for (at, _) in text.match_indices(function) {
            let whole = !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
            let derived = text[at + function.len()..].trim_start().starts_with("from var(");
            if whole && !derived {
                found.push(function.to_owned());
            }
        }
    }
    found
}

/// Colours in the string literals of a line of Rust.
fn in_rust(line: &str) -> Vec<String> {
    line.split('"').skip(1).step_by(2).flat_map(written_out).collect()
}

fn colours(file: &File) -> Vec<String> {
    let lines: Vec<&str> =
        if file.is_rust() { file.code().collect() } else { file.text.lines().collect() };
    let find = if file.is_rust() { in_rust } else { in_css };
    lines
        .into_iter()
        .flat_map(find)
        .map(|colour| format!("`{colour}` belongs into styles/tokens.css"))
        .collect()
}

#[test]
fn colours_are_tokens() {
    let painted = |file: &File| {
        (file.has_ending("css") && file.path != "styles/tokens.css")
            || (file.is_rust() && file.path.starts_with("src/"))
    };
    every(painted, colours);
}

#[test]
fn a_colour_is_found_in_every_spelling() {
    for line in [
        "  color: #fff;",
        "  border: 1px solid #a1b2c3;",
        "  background: rgb(1 2 3);",
        "  fill: oklch(0.7 0.1 200);",
        "  color: white;",
        "  box-shadow: 0 0 2px black;",
    ] {
        assert_eq!(colours(&made_up("styles/a.css", line)).len(), 1, "{line}");
    }
    let rust = r##"context.set_fill_style("#ff8800");"##;
    assert_eq!(
        colours(&made_up("src/ui/stage.rs", rust)),
        ["`#ff8800` belongs into styles/tokens.css"]
    );
}

#[test]
fn what_only_looks_like_a_colour_is_fine() {
    for line in [
        "  color: var(--ink);",
        "  background: color-mix(in oklch, var(--a), transparent 20%);",
        "  fill: oklch(from var(--leader) l c h / 0.4);",
        "  white-space: pre;",
        "  color: currentColor;",
        "#add-broker {",
    ] {
        assert_eq!(colours(&made_up("styles/a.css", line)), Vec::<String>::new(), "{line}");
    }
    for line in ["#[derive(Debug)]", r##"let route = "#/lesson/1";"##, "// #fff in a comment"] {
        assert_eq!(colours(&made_up("src/ui/a.rs", line)), Vec::<String>::new(), "{line}");
    }
}
