//! A lesson under way, over a table instead of a cluster.

use super::*;
use crate::lesson::Run;
use crate::lesson::format::{
    Block, Choice, Condition, Goal, Inline, Quantity, Right, SolutionStep, WrongSolution,
};
use crate::lesson::gauge::tests::{Table, measure};
use crate::lesson::view::FeedbackKind;

fn text(text: &str) -> Vec<Block> {
    vec![Block::Paragraph(vec![Inline::Text(text.to_owned())])]
}

fn line(text: &str) -> Vec<Inline> {
    vec![Inline::Text(text.to_owned())]
}

fn bounds(at_least: Option<f64>, at_most: Option<f64>) -> Condition {
    Condition { measure: "lag".to_owned(), at_least, at_most }
}

fn choice(right: Right, feedback: &str) -> Choice {
    Choice { text: line(feedback), right, misconception: None, feedback: text(feedback) }
}

fn add(partitions: i32) -> Action {
    Action::AddPartitions { topic: "t".to_owned(), partitions }
}

fn line_of_solution(line: usize, partitions: i32) -> LessonEffect {
    LessonEffect::Apply { action: add(partitions), line: Some(line) }
}

/// Say, predict, act, explain.
fn lesson() -> Rc<Lesson> {
    let scenario = serde_json::from_str(r#"{"name":"x","brokers":1}"#).unwrap();
    let run =
        |actions| Run { for_ms: 10_000, speed: 2.0, actions, pause_on: vec![Moment::Election] };
    let below = Right::When(vec![bounds(None, Some(5.0))]);
    Rc::new(Lesson {
        id: "x".to_owned(),
        code: "X1".to_owned(),
        title: "X".to_owned(),
        teaches: vec![],
        prerequisites: vec![],
        ways: vec![],
        controls: vec![],
        scenario,
        measures: [("lag".to_owned(), measure(Quantity::Lag))].into(),
        steps: vec![
            Step::Say { headline: "Say".to_owned(), text: text("intro"), run: None },
            Step::Predict {
                headline: "Predict".to_owned(),
                text: text("before"),
                question: Question {
                    text: line("how many?"),
                    choices: vec![choice(below, "few"), choice(Right::Fixed(false), "many")],
                },
                run: run(vec![Timed { after_ms: 3_000, action: add(2) }]),
                observed: text("because"),
            },
            Step::Act {
                headline: "Act".to_owned(),
                text: text("task"),
                goals: vec![Goal {
                    text: line("lag below 5"),
                    condition: bounds(None, Some(5.0)),
                    for_ms: 5_000,
                    why_not: None,
                }],
                hints: vec![line("one"), line("two")],
                solution: vec![
                    SolutionStep { after_ms: 0, action: add(4), why: line("more") },
                    SolutionStep { after_ms: 1_000, action: add(5), why: line("more still") },
                ],
                wrong: vec![WrongSolution {
                    name: "worse".to_owned(),
                    when: vec![bounds(Some(500.0), None)],
                    feedback: text("worse"),
                    actions: vec![],
                }],
                solved: text("well done"),
                pause_on: vec![Moment::Rebalance],
            },
            Step::Explain { headline: "Explain".to_owned(), text: text("principle") },
        ],
    })
}

fn begin(table: &Table) -> LessonRun {
    LessonRun::begin(lesson(), table).0
}

fn at(phase: Phase, table: &mut Table) -> LessonRun {
    let mut run = begin(table);
    for command in [LessonCommand::Next, LessonCommand::Choose(1), LessonCommand::Next] {
        if run.phase() == phase {
            return run;
        }
        run.command(command, table);
    }
    if run.phase() == phase {
        return run;
    }
    table.pass(10_000);
    run.observe(table);
    if run.phase() != phase {
        run.command(LessonCommand::Next, table);
    }
    assert_eq!(run.phase(), phase);
    run
}

#[test]
fn run_waits_for_a_prediction() {
    let mut table = Table::default();
    let mut run = begin(&table);
    run.command(LessonCommand::Next, &table);
    assert_eq!(run.phase(), Phase::Predicting);
    assert!(!run.view(&table).primary.enabled);
    assert_eq!(run.command(LessonCommand::Next, &table), []);
    run.command(LessonCommand::Choose(7), &table);
    assert!(!run.view(&table).primary.enabled, "there is no eighth answer");
    run.command(LessonCommand::Choose(0), &table);
    assert!(run.view(&table).primary.enabled);
    table.pass(1);
    let effects = run.command(LessonCommand::Next, &table);
    assert_eq!(run.phase(), Phase::Running);
    let ends = table.now + Duration::from_secs(10);
    assert!(effects.contains(&LessonEffect::StopAt(Some(ends))), "{effects:?}");
    assert_eq!(effects.last(), Some(&LessonEffect::Play));
}

#[test]
fn an_answer_from_memory_can_be_changed_until_it_is_checked() {
    let table = Table::default();
    let question = Question {
        text: line("who?"),
        choices: vec![choice(Right::Fixed(false), "a"), choice(Right::Fixed(true), "b")],
    };
    let mut lesson = (*lesson()).clone();
    lesson.steps = vec![Step::Recall { headline: "Recall".to_owned(), question }];
    let mut run = LessonRun::begin(Rc::new(lesson), &table).0;
    run.command(LessonCommand::Next, &table);
    for choice in [0, 1] {
        run.command(LessonCommand::Choose(choice), &table);
        assert_eq!((run.phase(), run.view(&table).feedback), (Phase::Recalling, vec![]));
    }
    run.command(LessonCommand::Next, &table);
    assert_eq!(run.phase(), Phase::Recalled);
    assert_eq!(run.view(&table).feedback[0].kind, FeedbackKind::Right);
}

#[test]
fn who_reads_quickly_still_gets_the_whole_run() {
    let mut table = Table::default();
    let mut quick = (*lesson()).clone();
    quick.steps[0] = Step::Say {
        headline: "Say".to_owned(),
        text: text("intro"),
        run: Some(Run { for_ms: 9_000, speed: 1.0, actions: vec![], pause_on: vec![] }),
    };
    let mut run = LessonRun::begin(Rc::new(quick), &table).0;
    table.pass(400);
    let effects = run.command(LessonCommand::Next, &table);
    let unwatched = LessonEffect::PauseOn(BTreeSet::new());
    assert_eq!(effects, [LessonEffect::SetSpeed(HURRY), unwatched, LessonEffect::Play]);
    table.pass(8_500);
    run.observe(&table);
    assert_eq!(run.phase(), Phase::Intro);
    table.pass(100);
    run.observe(&table);
    assert_eq!(run.phase(), Phase::Predicting);
}

#[test]
fn the_lesson_acts_at_its_time_and_once() {
    let mut table = Table::default();
    let mut run = at(Phase::Running, &mut table);
    table.pass(2_900);
    assert_eq!(run.observe(&table), []);
    table.pass(100);
    let asked = LessonEffect::Apply { action: add(2), line: None };
    assert_eq!(run.observe(&table), [asked]);
    table.pass(100);
    assert_eq!(run.observe(&table), []);
}

#[test]
fn which_answer_is_right_is_computed_from_the_run() {
    for (lag, right) in [(3.0, [true, false]), (300.0, [false, false])] {
        let mut table = Table::default();
        let mut run = at(Phase::Running, &mut table);
        table.set(Quantity::Lag, lag);
        table.pass(10_000);
        let effects = run.observe(&table);
        assert_eq!(effects.last(), Some(&LessonEffect::Pause));
        let view = run.view(&table);
        assert_eq!(view.phase, Phase::Observed);
        let told: Vec<_> =
            view.question.unwrap().choices.iter().map(|c| c.right.unwrap()).collect();
        assert_eq!(told, right);
        assert_eq!(view.feedback[0].kind, FeedbackKind::Wrong);
        assert_eq!(view.feedback[0].blocks, text("many"));
        assert_eq!(view.feedback[1].blocks, text("because"));
    }
}

#[test]
fn a_goal_must_hold_without_a_break() {
    let mut table = Table::default();
    let mut run = at(Phase::Fixing, &mut table);
    let mut see = |lag: f64, millis: u64| {
        table.set(Quantity::Lag, lag);
        run.observe(&table);
        table.pass(millis);
        run.observe(&table);
        run.view(&table)
    };
    assert!(see(412.0, 100).goals[0].why_not.is_some());
    let almost = see(5.0, 4_900);
    assert_eq!(almost.phase, Phase::Fixing);
    assert!(almost.goals[0].fraction > 0.9 && !almost.goals[0].met);
    assert!(see(6.0, 100).goals[0].fraction < 0.5, "a break starts it again");
    assert_eq!(see(5.0, 4_900).phase, Phase::Fixing);
    assert_eq!(see(5.0, 100).phase, Phase::Solved);
}

#[test]
fn a_wrong_solution_is_answered_when_it_has_stood_for_a_while() {
    let mut table = Table::default();
    let mut run = at(Phase::Fixing, &mut table);
    table.set(Quantity::Lag, 500.0);
    run.observe(&table);
    assert_eq!(run.view(&table).feedback, []);
    table.pass(2_000);
    run.observe(&table);
    let feedback = run.view(&table).feedback;
    assert_eq!((feedback[0].kind, &feedback[0].blocks), (FeedbackKind::NotYet, &text("worse")));
    table.set(Quantity::Lag, 400.0);
    run.observe(&table);
    assert_eq!(run.view(&table).feedback, []);
}

#[test]
fn hints_come_one_at_a_time() {
    let mut table = Table::default();
    let mut run = at(Phase::Fixing, &mut table);
    for shown in [1, 2, 2] {
        run.command(LessonCommand::Hint, &table);
        let view = run.view(&table);
        assert_eq!((view.hints.len(), view.hints_left), (shown, 2 - shown));
    }
}

#[test]
fn the_reference_solution_is_performed_and_remembered_as_shown() {
    let mut table = Table::default();
    let mut run = at(Phase::Fixing, &mut table);
    let effects = run.command(LessonCommand::ShowSolution, &table);
    assert_eq!(effects, [line_of_solution(0, 4), LessonEffect::Play]);
    assert!(!run.view(&table).can_show_solution);
    table.set(Quantity::Lag, 0.0);
    table.pass(1_000);
    assert_eq!(run.observe(&table), [line_of_solution(1, 5)]);
    table.pass(5_000);
    run.observe(&table);
    assert_eq!(run.phase(), Phase::Solved);
    run.command(LessonCommand::Next, &table);
    let effects = run.command(LessonCommand::Next, &table);
    let record = LessonRecord { standing: Standing::Shown, answers: vec![false], hints: 0 };
    assert_eq!(effects.last(), Some(&LessonEffect::Completed(record)));
    assert_eq!(run.phase(), Phase::Done);
}

#[test]
fn a_refused_line_of_the_solution_is_told_and_not_ticked() {
    let mut table = Table::default();
    let mut run = at(Phase::Fixing, &mut table);
    run.command(LessonCommand::ShowSolution, &table);
    run.refuse(0, "no such topic");
    assert!(!run.view(&table).solution_failed, "the rest may still do it");
    table.pass(1_000);
    run.observe(&table);
    table.pass(15_000);
    let view = run.view(&table);
    let lines: Vec<_> =
        view.solution.iter().flatten().map(|line| (line.done, line.refused.as_deref())).collect();
    assert_eq!(lines, [(false, Some("no such topic")), (true, None)]);
    assert!(view.solution_failed);
}

#[test]
fn a_solution_that_leads_nowhere_says_so() {
    let mut table = Table::default();
    let mut run = at(Phase::Fixing, &mut table);
    table.set(Quantity::Lag, 9.0);
    run.command(LessonCommand::ShowSolution, &table);
    let mut told = Vec::new();
    for _ in 0..50 {
        table.pass(1_000);
        run.observe(&table);
        told.push(run.view(&table).solution_failed);
    }
    assert_eq!((told[20], told[45]), (false, true));
}

#[test]
fn a_task_that_cannot_be_mended_can_still_be_skipped() {
    let mut table = Table::default();
    let mut run = at(Phase::Fixing, &mut table);
    table.set(Quantity::Lag, 9.0);
    run.command(LessonCommand::Skip, &table);
    for _ in 0..50 {
        table.pass(1_000);
        run.observe(&table);
    }
    assert_eq!(run.phase(), Phase::Explained);
}

#[test]
fn skipping_the_task_mends_the_cluster_leads_on_and_is_remembered() {
    let mut table = Table::default();
    let mut run = at(Phase::Fixing, &mut table);
    let effects = run.command(LessonCommand::Skip, &table);
    assert_eq!(effects[0], line_of_solution(0, 4));
    assert!(effects.contains(&LessonEffect::SetSpeed(HURRY)), "{effects:?}");
    table.set(Quantity::Lag, 0.0);
    for _ in 0..2 {
        assert_eq!(run.phase(), Phase::Fixing, "it is mended first");
        table.pass(1_000);
        run.observe(&table);
    }
    table.pass(5_000);
    run.observe(&table);
    assert_eq!(run.phase(), Phase::Explained);
    let effects = run.command(LessonCommand::Next, &table);
    let Some(LessonEffect::Completed(record)) = effects.last() else { panic!("{effects:?}") };
    assert_eq!(record.standing, Standing::Skipped);
}

#[test]
fn time_stands_still_while_the_learner_thinks() {
    let table = Table::default();
    let mut run = begin(&table);
    assert_eq!(run.command(LessonCommand::Next, &table), [LessonEffect::Pause]);
}
