//! Good and bad lesson files.

use super::*;
use crate::lesson::Quantity;

const GOOD: &str = r#"+++
code = "X1"
title = "A test"
teaches = ["To test."]
ways = ["predict", "fix-it"]
controls = ["partitions"]

[scenario]
brokers = 1

[measures]
lag = { of = "lag", group = "app" }

[[steps]]
do = "say"
headline = "Hello"
text = "intro"

[[steps]]
do = "predict"
headline = "Guess"
text = "intro"
question = "How *many*?"
choices = [
  { text = "few", right_when = [{ measure = "lag", at_most = 5 }], feedback = "few" },
  { text = "many", misconception = "more is more", feedback = "many" },
]
run = { for_ms = 1000, actions = [{ action = { do = "add-broker" } }] }
observed = "intro"

[[steps]]
do = "act"
headline = "Mend"
text = "intro"
goals = [{ text = "lag below 5", condition = { measure = "lag", at_most = 5 }, for_ms = 500 }]
hints = ["Look."]
solution = [{ action = { do = "add-broker" }, why = "It helps." }]
wrong = [{ name = "nothing", when = [{ measure = "lag", at_least = 6 }], feedback = "many", actions = [{ action = { do = "add-broker" } }] }]
solved = "end"
+++
## intro
Some **text**.

## few
Yes: {observed.lag}.

## many
No.

## end
Done with {solved.lag}.
"#;

type Plain = Lesson<toml::Value, toml::Value>;

fn read(text: &str) -> Result<Plain, SourceError> {
    parse("x1", text)
}

/// Replaces `from` in `GOOD` and expects an error on the line that begins with `line`.
#[track_caller]
fn broken(from: &str, to: &str, line: &str, expected: &str) {
    assert!(GOOD.contains(from), "{from}");
    let text = GOOD.replacen(from, to, 1);
    let error = read(&text).unwrap_err();
    assert!(error.expected.contains(expected), "{error:?}");
    let found = text.lines().nth(error.line - 1).unwrap_or_default();
    assert!(found.starts_with(line), "line {}: {found}", error.line);
}

#[test]
fn a_good_lesson_is_read_as_a_whole() {
    let lesson = read(GOOD).unwrap();
    assert_eq!((lesson.id.as_str(), lesson.code.as_str()), ("x1", "X1"));
    assert_eq!(lesson.measures["lag"].of, Quantity::Lag);
    assert_eq!(lesson.steps.len(), 3);
    let Step::Predict { question, .. } = &lesson.steps[1] else { panic!("{:?}", lesson.steps[1]) };
    assert_eq!(question.choices[1].right, Right::Fixed(false));
}

#[test]
fn a_lesson_survives_the_way_through_json() {
    let lesson = read(GOOD).unwrap();
    let text = serde_json::to_string(&lesson).unwrap();
    assert_eq!(serde_json::from_str::<Plain>(&text).unwrap(), lesson);
}

#[test]
fn a_missing_fence_is_an_error() {
    broken("+++\n", "", "code", "before the front matter");
    let error = read("+++\ntitle = 1\n").unwrap_err();
    assert!(error.expected.contains("after the front matter"), "{error:?}");
}

#[test]
fn a_wrong_type_names_its_line() {
    broken(
        "brokers = 1\n\n[measures]\nlag = { of = \"lag\"",
        "brokers = 1\n\n[measures]\nlag = { of = \"lgg\"",
        "lag = ",
        "unknown variant `lgg`",
    );
    broken("title = \"A test\"", "title = 3", "title", "expected a string");
    broken("for_ms = 500", "for_ms = 500, ever = 1", "goals", "unknown field `ever`");
}

#[test]
fn a_section_that_does_not_exist_and_one_that_nobody_uses_are_errors() {
    broken(
        "observed = \"intro\"",
        "observed = \"outro\"",
        "observed",
        "a section `## outro` below",
    );
    broken("## end\n", "## end\nx\n\n## more\n", "## more", "uses the section `more`");
}

#[test]
fn each_kind_of_step_has_its_own_fields() {
    broken(
        "question = \"How *many*?\"\n",
        "",
        "[[steps]]",
        "a field `question` in a step `predict`",
    );
    broken(
        "text = \"intro\"\n\n",
        "text = \"intro\"\nsolved = \"end\"\n\n",
        "[[steps]]",
        "no `solved` in a step `say`",
    );
}

#[test]
fn names_of_measures_must_exist() {
    broken("measure = \"lag\", at_least", "measure = \"log\", at_least", "wrong", "got `log`");
    broken("{observed.lag}", "{observed.log}", "Yes", "got `log`");
}

#[test]
fn a_text_cannot_tell_what_has_not_happened_yet() {
    broken("Some **text**.", "Some {observed.lag}.", "Some", "still to come");
    broken("{observed.lag}", "{solved.lag}", "Yes", "still to come");
}

#[test]
fn a_question_needs_an_answer_that_can_be_right() {
    broken(
        "right_when = [{ measure = \"lag\", at_most = 5 }]",
        "right = false",
        "+++",
        "at least one of them right",
    );
    broken(
        "measure = \"lag\", at_most = 5 }], feedback",
        "measure = \"lag\" }], feedback",
        "  { text",
        "`at_least` or `at_most`",
    );
}

#[test]
fn a_task_without_a_hint_is_refused() {
    broken("hints = [\"Look.\"]", "hints = []", "+++", "at least one hint");
}

/// The lessons that are shipped.
const SHIPPED: &[(&str, &str)] = &[
    ("no-group", include_str!("../content/en/no-group.md")),
    ("no-replication", include_str!("../content/en/no-replication.md")),
    ("one-partition", include_str!("../content/en/one-partition.md")),
];

/// What `build.rs` checks, and beyond it the types of scenario and actions.
#[test]
fn every_lesson_that_is_shipped_is_read_with_its_scenario_and_its_actions() {
    for (id, text) in SHIPPED {
        let lesson: Result<crate::lesson::Lesson, _> = parse(id, text);
        let lesson = lesson.unwrap_or_else(|e| panic!("{id}.md:{}: {}", e.line, e.expected));
        lesson.scenario.check().unwrap_or_else(|error| panic!("{id}.md: {error}"));
        assert_eq!(crate::lesson::course().lesson(id), Some(&lesson));
    }
    assert_eq!(SHIPPED.len(), crate::lesson::course().lessons.len());
}
