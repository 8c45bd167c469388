//! Our algorithms against the answers of Apache Kafka's own classes, kept in `tests/data/vectors`.

use std::path::Path;

use brokerscope::conform::{self, KINDS, Kind, MalformedLine, Report};
use serde_json::{Value, json};

fn stored(kind: &Kind) -> String {
    let path = Path::new("tests/data/vectors").join(format!("{}.jsonl", kind.name));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn check(kind: &str, text: &str) -> Result<Report, MalformedLine> {
    conform::kind(kind).unwrap_or_else(|| panic!("no kind {kind}")).check_text(text)
}

#[test]
fn every_stored_vector_gets_kafkas_answer() {
    for kind in KINDS {
        let report = kind.check_text(&stored(kind)).unwrap();
        assert_eq!(report.first_mismatch, None, "{}", kind.name);
        assert_eq!(report.passed, report.total, "{}", kind.name);
        assert_ne!(report.total, 0, "{} has no vectors", kind.name);
    }
}

#[test]
fn every_stored_file_is_of_a_kind_that_is_checked() {
    let dir = Path::new("tests/data/vectors");
    for entry in std::fs::read_dir(dir).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(kind) = name.strip_suffix(".jsonl") {
            assert!(conform::kind(kind).is_some(), "{name} is checked by nobody");
        }
    }
}

#[test]
fn the_first_wrong_answer_is_shown_and_the_rest_still_counted() {
    let right = r#"{"id":"a","key_hex":"6b","n":4,"partition":1}"#;
    let wrong = r#"{"id":"b","key_hex":"6b","n":4,"partition":2,"comment":"passed over"}"#;
    let report =
        check("librdkafka_consistent", &[right, wrong, "", wrong, right].join("\n")).unwrap();
    assert_eq!((report.passed, report.total), (2, 4));
    let mismatch = report.first_mismatch.unwrap();
    assert_eq!((mismatch.line, mismatch.id.as_str()), (2, "b"));
    assert_eq!((mismatch.expected.as_str(), mismatch.got.as_str()), ("2", "1"));
}

#[test]
fn a_line_that_is_no_vector_is_named_with_its_problem() {
    let good = r#"{"id":"a","key_hex":"6b","n":4,"partition":1}"#;
    for (bad, problem) in [
        ("{", "not a JSON value"),
        ("7", "not a JSON object"),
        (r#"{"id":"a","n":4,"partition":3}"#, "missing field `key_hex`"),
        (r#"{"id":"a","key_hex":"6","n":4,"partition":3}"#, "not pairs of hex digits"),
        (r#"{"id":"a","key_hex":"6b","n":0,"partition":3}"#, "0 partitions"),
    ] {
        let malformed = check("librdkafka_consistent", &format!("{good}\n{bad}")).unwrap_err();
        assert_eq!(malformed.line, 2);
        assert!(malformed.problem.contains(problem), "{}", malformed.problem);
    }
}

/// Every vector that differs from `vector` in one place: a value replaced by an odd one, or left out.
fn oddities(vector: &Value) -> Vec<Value> {
    let odd = [
        json!(-1),
        json!(0),
        json!(2_147_483_647),
        json!(-9e18),
        json!("x"),
        json!([]),
        Value::Null,
    ];
    let mut all: Vec<Value> = odd.to_vec();
    match vector {
        Value::Object(fields) => {
            for (name, field) in fields {
                let mut without = fields.clone();
                without.remove(name);
                all.push(Value::Object(without));
                for value in oddities(field) {
                    let mut with = fields.clone();
                    with.insert(name.clone(), value);
                    all.push(Value::Object(with));
                }
            }
        }
        // The first elements are as good as the rest.
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate().take(2) {
                for value in oddities(item) {
                    let mut with = items.clone();
                    with[at] = value;
                    all.push(Value::Array(with));
                }
            }
        }
        _ => {}
    }
    all
}

#[test]
fn no_odd_value_in_a_vector_makes_a_check_panic() {
    for kind in KINDS {
        for line in stored(kind).lines().take(3) {
            for vector in oddities(&serde_json::from_str(line).unwrap()) {
                let outcome = kind.check_text(&vector.to_string());
                assert!(outcome.is_err() || outcome.is_ok_and(|report| report.total == 1));
            }
        }
    }
}
