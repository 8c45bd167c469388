//! What the code says of its own truth: every proof that it names exists, and every vector proves something.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use brokerscope::conform::KINDS;
use brokerscope::kafka::fidelity::{AREAS, Declaration, Fidelity, Proof};

fn declarations() -> impl Iterator<Item = &'static Declaration> {
    AREAS.iter().flat_map(|area| area.declarations)
}

fn proofs() -> BTreeSet<Proof> {
    declarations().flat_map(|declaration| declaration.proofs).copied().collect()
}

/// The Rust sources below `folder`, in one text.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text.push_str(&sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    text
}

#[test]
fn every_proof_that_is_named_exists() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let replays = sources(&tests.join("it"));
    let code = format!("{replays}{}", sources(&tests.parent().unwrap().join("src")));
    let is_test = |name: &str| {
        ["", "    "].iter().any(|indent| code.contains(&format!("#[test]\n{indent}fn {name}(")))
    };
    let missing: Vec<Proof> = proofs()
        .into_iter()
        .filter(|proof| match proof {
            Proof::Vectors(name) => KINDS.iter().all(|kind| kind.name != *name),
            Proof::Live(name) => {
                let is_there = tests.join("data/live").join(name).is_file();
                !is_there || !replays.contains(&format!("data/live/{name}"))
            }
            Proof::Test(name) => !is_test(name),
        })
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_kind_of_vector_proves_something() {
    let proofs = proofs();
    let idle: Vec<&str> = KINDS
        .iter()
        .map(|kind| kind.name)
        .filter(|name| !proofs.contains(&Proof::Vectors(name)))
        .collect();
    assert!(idle.is_empty(), "{idle:?}");
}

#[test]
fn what_is_called_modelled_is_proved_and_what_is_absent_says_why() {
    for declaration in declarations() {
        let proved = !declaration.proofs.is_empty();
        match declaration.fidelity {
            Fidelity::Modelled => assert!(proved, "{} has no proof", declaration.name),
            Fidelity::Simplified => {}
            Fidelity::Absent => assert!(!proved, "{} is absent, yet proved", declaration.name),
        }
        assert!(declaration.says.ends_with('.'), "{}", declaration.name);
    }
}
