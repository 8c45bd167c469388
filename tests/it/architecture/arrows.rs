//! Who may use whom: the arrows of `src/lib.rs`, and where foreign crates may be named.

use super::files::File;
use super::{every, made_up};

/// Each layer of `src/` and the layers it may name. `src/lib.rs` draws the same picture.
const ARROWS: [(&str, &[&str]); 11] = [
    ("base", &[]),
    ("sim", &["base"]),
    ("kafka", &["base"]),
    ("conform", &["base", "kafka"]),
    ("cluster", &["base", "sim", "kafka"]),
    ("lesson", &["base", "sim", "kafka", "cluster"]),
    ("shell", &["base", "sim", "kafka", "cluster"]),
    ("swarm", &["base", "sim", "kafka", "cluster", "session"]),
    ("session", &["base", "sim", "kafka", "cluster", "lesson", "shell"]),
    ("view", &["base", "sim", "kafka", "cluster", "lesson", "shell", "session"]),
    ("ui", &["base", "sim", "kafka", "cluster", "lesson", "shell", "session", "view"]),
];

/// Crates that know a browser. They may be named in `src/ui` and `src/main.rs` only.
const BROWSER_CRATES: [&str; 12] = [
    "yew",
    "yew_router",
    "web_sys",
    "js_sys",
    "wasm_bindgen",
    "wasm_bindgen_futures",
    "gloo_timers",
    "gloo_render",
    "gloo_storage",
    "gloo_events",
    "lucide_yew",
    "plotters_canvas",
];

/// What a pure layer must not reach for: clocks, files, threads, the process around it.
const IMPURE: [&str; 6] =
    ["std::time", "std::fs", "std::env", "std::net", "std::process", "std::thread"];

/// The layer a file of `src/` belongs to; none for the roots and the binaries.
fn layer_of(path: &str) -> Option<&str> {
    let (layer, _) = path.strip_prefix("src/")?.split_once('/')?;
    (layer != "bin").then_some(layer)
}

fn arrows(file: &File) -> Vec<String> {
    let Some(layer) = layer_of(&file.path) else { return Vec::new() };
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == layer) else {
        return vec![format!("`{layer}` is not in the table of arrows")];
    };
    let code: String = file.code().flat_map(|line| [line, "\n"]).collect();
    named_layers(&code, depth(&file.path))
        .into_iter()
        .filter(|used| used != layer && !allowed.contains(&used.as_str()))
        .map(|used| format!("`{layer}` must not use `{used}`"))
        .collect()
}

/// How many `super::` lead from a file to the crate's root.
fn depth(path: &str) -> usize {
    let parts = path.split('/').count() - 1;
    if path.ends_with("/mod.rs") { parts - 1 } else { parts }
}

/// The layers named right after `crate::`, alone or in braces, or after as many `super::` as lead
/// to the crate's root.
fn named_layers(code: &str, depth: usize) -> Vec<String> {
    let to_root = "super::".repeat(depth);
    let mut named = Vec::new();
    for root in ["crate::", to_root.as_str()] {
        for (at, _) in code.match_indices(root) {
            if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let rest = &code[at + root.len()..];
            match rest.strip_prefix('{') {
                Some(group) => named.extend(group_heads(group)),
                None => named.extend(head(rest)),
            }
        }
    }
    named.retain(|name| ARROWS.iter().any(|(layer, _)| layer == name));
    named
}

/// The first word of each path in a group whose opening brace has been read.
fn group_heads(group: &str) -> Vec<String> {
    let mut heads = Vec::new();
    let mut open = 0_u32;
    let mut expected = true;
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => open += 1,
            '}' if open == 0 => break,
            '}' => open -= 1,
            ',' if open == 0 => expected = true,
            _ if letter.is_whitespace() => {}
            _ if expected => {
                heads.extend(head(&group[at..]));
                expected = false;
            }
            _ => {}
        }
    }
    heads
}

fn head(path: &str) -> Option<String> {
    let word: String = path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!word.is_empty()).then_some(word)
}

/// Complaints about each of `names` that the code of `file` names as a whole word.
fn names_none_of(file: &File, names: &[&str], why: &str) -> Vec<String> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut complaints = Vec::new();
    for line in file.code() {
        for name in names {
            let stands_alone = line.match_indices(name).any(|(at, found)| {
                !line[..at].ends_with(is_part) && !line[at + found.len()..].starts_with(is_part)
            });
            if stands_alone {
                complaints.push(format!("`{name}` {why}: {}", line.trim()));
            }
        }
    }
    complaints
}

fn browser_crates(file: &File) -> Vec<String> {
    names_none_of(file, &BROWSER_CRATES, "belongs into src/ui")
}

fn randomness(file: &File) -> Vec<String> {
    names_none_of(file, &["rand", "getrandom"], "belongs into src/base/rng.rs")
}

fn purity(file: &File) -> Vec<String> {
    names_none_of(file, &IMPURE, "has no place in a pure layer")
}

/// Layers that compute and touch nothing else.
fn is_pure(file: &File) -> bool {
    file.is_rust() && layer_of(&file.path).is_some_and(|layer| layer != "ui" && layer != "conform")
}

#[test]
fn arrows_point_down_only() {
    every(|file| file.is_rust() && file.path.starts_with("src/"), arrows);
}

#[test]
fn the_table_names_the_folders_of_src() {
    let folders: std::collections::BTreeSet<String> = super::files::all()
        .iter()
        .filter(|file| file.is_rust())
        .filter_map(|file| layer_of(&file.path).map(str::to_owned))
        .collect();
    let table = ARROWS.iter().map(|(layer, _)| (*layer).to_owned()).collect();
    assert_eq!(folders, table);
}

#[test]
fn only_the_browser_layer_names_the_browser() {
    let below = |file: &File| {
        file.is_rust()
            && file.path.starts_with("src/")
            && !file.path.starts_with("src/ui/")
            && file.path != "src/main.rs"
    };
    every(below, browser_crates);
}

#[test]
fn randomness_has_one_door() {
    let elsewhere = |file: &File| {
        file.is_rust() && file.path.starts_with("src/") && file.path != "src/base/rng.rs"
    };
    every(elsewhere, randomness);
}

#[test]
fn pure_layers_reach_for_no_clock_no_file_and_no_thread() {
    every(is_pure, purity);
}

#[test]
fn an_arrow_upwards_is_found_in_every_spelling() {
    let complaint = ["`sim` must not use `kafka`"];
    for line in [
        "use crate::kafka::broker::Broker;",
        "use crate::{base::Time, kafka};",
        "use crate::{\n    base::{Rng, Time},\n    kafka::log,\n};",
        "fn f(x: &crate::kafka::Record) {}",
        "use super::super::kafka::Record;",
    ] {
        assert_eq!(arrows(&made_up("src/sim/queue.rs", line)), complaint, "{line}");
    }
}

#[test]
fn an_arrow_downwards_a_comment_and_an_inner_module_are_fine() {
    for line in [
        "use crate::base::{Rng, Time};",
        "use crate::sim::network::kafka;",
        "/// Unlike [`crate::kafka::broker`], this knows nothing.",
        "use super::kafka;",
    ] {
        assert_eq!(arrows(&made_up("src/sim/queue.rs", line)), Vec::<String>::new(), "{line}");
    }
}

#[test]
fn a_folder_without_a_place_in_the_table_is_found() {
    let complaints = arrows(&made_up("src/helpers/mod.rs", "//! Things."));
    assert_eq!(complaints, ["`helpers` is not in the table of arrows"]);
}

#[test]
fn a_browser_crate_randomness_and_a_clock_are_found_as_whole_words() {
    let file = made_up(
        "src/view/scene.rs",
        "use yew::Html;\nlet rand = 1;\nlet random = 2;\nstd::time::Instant::now();\n// web_sys\n",
    );
    assert_eq!(browser_crates(&file), ["`yew` belongs into src/ui: use yew::Html;"]);
    assert_eq!(randomness(&file), ["`rand` belongs into src/base/rng.rs: let rand = 1;"]);
    assert_eq!(purity(&file).len(), 1);
}
