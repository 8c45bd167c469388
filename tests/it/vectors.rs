//! Our algorithms against the answers of Apache Kafka's own classes, kept in `tests/data/vectors`.

use std::path::Path;

use brokerscope::conform::{self, KINDS, Report};

fn check(kind: &str, text: &str) -> Report {
    let kind = conform::kind(kind).unwrap_or_else(|| panic!("no kind {kind}"));
    kind.check_text(text).unwrap_or_else(|malformed| panic!("{}: {malformed:?}", kind.name))
}

#[test]
fn every_stored_vector_gets_kafkas_answer() {
    for kind in KINDS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/vectors")
            .join(format!("{}.jsonl", kind.name));
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let report = check(kind.name, &text);
        assert_eq!(report.first_mismatch, None, "{}", kind.name);
        assert_eq!(report.passed, report.total, "{}", kind.name);
        assert_ne!(report.total, 0, "{} has no vectors", kind.name);
    }
}
