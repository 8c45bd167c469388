//! The lesson panel, from a lesson that is really taught.

use brokerscope::base::Duration;
use brokerscope::lesson::{LessonCommand, LessonView, Phase, course};
use brokerscope::session::Tutor;
use brokerscope::ui::lesson::{LessonPanel, LessonPanelProps};
use brokerscope::view::{Part, project};
use yew::Callback;

use crate::render;

/// The third lesson once it is in that phase; everything before is skipped.
fn taught(phase: Phase) -> Tutor {
    let lesson = course().lesson("no-replication").expect("the course has it");
    let mut tutor = Tutor::begin(lesson, 42).expect("its cluster starts");
    for _ in 0..2_000 {
        if tutor.run().phase() == phase {
            return tutor;
        }
        tutor.command(LessonCommand::Skip);
        let _response = tutor.update(Duration::from_millis(100));
    }
    panic!("the lesson never comes to {phase:?}");
}

fn panel(tutor: &Tutor, lesson: LessonView, playing: bool) -> String {
    render::html::<LessonPanel>(LessonPanelProps {
        lesson: Part::new(lesson),
        sandbox: Part::new(project::sandbox(tutor.session().cluster())),
        playing,
        dispatch: Callback::noop(),
    })
}

#[test]
fn in_a_task_the_controls_come_before_its_goals_and_all_goals_are_one_list() {
    let tutor = taught(Phase::Fixing);
    let html = panel(&tutor, tutor.view(), true);
    let (before, after) = html.split_once("Goals").expect("they have a heading");
    assert!(before.contains("--replication-factor") && before.contains("acks"), "{before}");
    let goals = tutor.view().goals;
    let met = goals.iter().filter(|goal| goal.met).count();
    assert!(after.contains(&format!("{met} of {} goals reached", goals.len())), "{after}");
    assert_eq!(after.matches("<progress").count(), goals.len() - met, "what is reached needs none");
}

#[test]
fn of_a_wrong_answer_a_screen_reader_is_told_in_one_place() {
    let mut tutor = taught(Phase::Recalling);
    tutor.command(LessonCommand::Choose(1));
    tutor.command(LessonCommand::Next);
    let html = panel(&tutor, tutor.view(), false);
    let (_, told) = html.split_once("role=\"status\"").expect("a live region");
    assert!(!told.contains("role=\"status\""), "{html}");
    let words = told.split(['<', '>']).nth(1).expect("the region holds text");
    assert!(words.trim().len() > 20, "{told}");
    let explained = html.matches("class=\"explanation").count();
    assert_eq!(explained, tutor.view().feedback.len(), "{html}");
}

#[test]
fn a_run_that_plays_is_waited_for_and_one_that_stands_is_played_on() {
    let mut tutor = taught(Phase::Predicting);
    tutor.command(LessonCommand::Choose(0));
    tutor.command(LessonCommand::Next);
    let (runs, stands) = (panel(&tutor, tutor.view(), true), panel(&tutor, tutor.view(), false));
    assert!(runs.contains("Running…") && !runs.contains("Play on"), "{runs}");
    assert!(stands.contains("Play on") && !stands.contains("Running…"), "{stands}");
}
