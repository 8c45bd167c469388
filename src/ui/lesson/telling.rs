//! What a screen reader is told of a lesson: each thing once, when it comes. The numbers inside go on
//! changing on screen, and nobody is told of that.

use super::blocks::{plain, plain_line};
use crate::lesson::{LessonView, Phase};
use crate::ui::text;

/// What was told, and what it was about.
#[derive(Debug, Default)]
pub(super) struct Telling {
    known: Vec<String>,
    words: String,
}

/// Something to be told.
struct Piece {
    /// Stays the same while only numbers change.
    about: String,
    words: String,
}

impl Piece {
    fn of(words: String) -> Self {
        Self { about: words.chars().filter(|c| c.is_alphabetic()).collect(), words }
    }
}

impl Telling {
    /// The words to stand in the live region now: what is new, or what stood there.
    pub(super) fn tell(&mut self, lesson: &LessonView) -> &str {
        let pieces = pieces(lesson);
        let is_new = |piece: &&Piece| !self.known.contains(&piece.about);
        let new: Vec<_> = pieces.iter().filter(is_new).map(|piece| piece.words.clone()).collect();
        let is_gone = |about: &String| !pieces.iter().any(|piece| piece.about == *about);
        // Words of what has gone go too: when it comes again it is told again.
        if !new.is_empty() || self.known.iter().any(is_gone) {
            self.words = new.join(" ");
        }
        self.known = pieces.into_iter().map(|piece| piece.about).collect();
        &self.words
    }
}

fn pieces(lesson: &LessonView) -> Vec<Piece> {
    let feedback = lesson.feedback.iter().map(|feedback| Piece::of(plain(&feedback.blocks)));
    let mut pieces: Vec<_> = feedback.collect();
    pieces.extend(lesson.hints.iter().map(|hint| Piece::of(plain_line(hint))));
    for line in lesson.solution.iter().flatten() {
        let done = line.done.then(|| plain_line(&line.why));
        let refused = line.refused.as_ref().map(|why| format!("{} {why}", text::REFUSED));
        pieces.extend(done.into_iter().chain(refused).map(Piece::of));
    }
    let failed = lesson.solution_failed.then(|| text::SOLUTION_FAILED.to_owned());
    pieces.extend(failed.map(Piece::of));
    let (met, all) = (lesson.goals.iter().filter(|goal| goal.met).count(), lesson.goals.len());
    if lesson.phase == Phase::Fixing && met > 0 {
        let words = text::goals_met(met, all);
        pieces.push(Piece { about: words.clone(), words });
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::view::{FeedbackKind, FeedbackView};
    use crate::lesson::{Block, Inline, course};
    use crate::session::Tutor;

    fn view(feedback: &[&str], hints: &[&str]) -> LessonView {
        let lesson = course().lesson("one-partition").expect("the course has it");
        let line = |words: &&str| vec![Inline::Text((*words).to_owned())];
        let feedback = feedback.iter().map(|words| FeedbackView {
            kind: FeedbackKind::NotYet,
            blocks: vec![Block::Paragraph(line(words))],
        });
        LessonView {
            feedback: feedback.collect(),
            hints: hints.iter().map(line).collect(),
            ..Tutor::begin(lesson, 42).expect("its cluster starts").view()
        }
    }

    #[test]
    fn a_number_that_runs_is_told_once_and_what_is_new_alone() {
        let mut telling = Telling::default();
        assert_eq!(telling.tell(&view(&[], &[])), "");
        assert_eq!(telling.tell(&view(&["Now 412 wait."], &[])), "Now 412 wait.");
        assert_eq!(telling.tell(&view(&["Now 9.5 wait."], &[])), "Now 412 wait.");
        assert_eq!(telling.tell(&view(&["Now 7 wait."], &["Look left."])), "Look left.");
        assert_eq!(telling.tell(&view(&[], &["Look left."])), "", "what has gone is not repeated");
        assert_eq!(telling.tell(&view(&["Now 3 wait."], &["Look left."])), "Now 3 wait.");
        assert_eq!(telling.tell(&view(&[], &[])), "");
    }

    #[test]
    fn every_goal_that_is_reached_is_told() {
        let mut telling = Telling::default();
        let mut lesson = view(&[], &[]);
        let goal = |met| crate::lesson::view::GoalView {
            text: Vec::new(),
            value: "412".to_owned(),
            fraction: 0.5,
            met,
            why_not: None,
        };
        lesson.phase = Phase::Fixing;
        lesson.goals = vec![goal(true), goal(false), goal(false)];
        assert_eq!(telling.tell(&lesson), "1 of 3 goals reached");
        lesson.goals[1] = goal(true);
        assert_eq!(telling.tell(&lesson), "2 of 3 goals reached");
    }
}
