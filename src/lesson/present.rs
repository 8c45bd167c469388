//! A lesson under way as plain data for the panel.

use super::format::{Block, Condition, Quantity, Right, Step};
use super::gauge::Probe;
use super::run::LessonRun;
use super::view::{
    ButtonView, ChoiceView, FeedbackKind, FeedbackView, LessonView, Phase, Primary, QuestionView,
    SaidView, SolutionView,
};

impl LessonRun {
    /// What to draw now.
    pub fn view(&self, probe: &impl Probe) -> LessonView {
        let lesson = self.lesson();
        let (headline, blocks) = self.text();
        let (hints, hints_left) = self.hints_view(probe);
        let fixing = self.phase == Phase::Fixing;
        LessonView {
            id: lesson.id.clone(),
            code: lesson.code.clone(),
            title: lesson.title.clone(),
            ways: lesson.ways.clone(),
            controls: lesson.controls.clone(),
            step: (self.index + 1).min(lesson.steps.len()),
            steps: lesson.steps.len(),
            phase: self.phase,
            headline: headline.map(str::to_owned),
            blocks: self.gauge.fill(blocks, probe),
            goals: match self.step() {
                Some(Step::Act { goals, .. }) => self.task.view(goals, &self.gauge, probe),
                _ => Vec::new(),
            },
            question: self.question_view(probe),
            said: self.said(probe),
            feedback: self.feedback(probe),
            primary: self.primary(),
            hints,
            hints_left,
            solution: self.solution_view(probe),
            solution_failed: fixing && self.solution_failed(probe.now()),
            can_show_solution: fixing && self.solution_at.is_none(),
            can_skip: self.phase != Phase::Done,
        }
    }

    fn text(&self) -> (Option<&str>, &[Block]) {
        match self.step() {
            Some(
                Step::Say { headline, text, .. }
                | Step::Predict { headline, text, .. }
                | Step::Act { headline, text, .. }
                | Step::Explain { headline, text, .. },
            ) => (Some(headline), text),
            Some(Step::Recall { headline, .. }) => (Some(headline), &[]),
            None => (None, &[]),
        }
    }

    fn primary(&self) -> ButtonView {
        let (means, enabled) = match self.phase {
            Phase::Predicting => (Primary::Run, self.chosen.is_some()),
            Phase::Running => (Primary::PlayOn, true),
            Phase::Fixing if self.hurried => (Primary::Performing, false),
            Phase::Fixing => (Primary::ReachGoals, false),
            Phase::Recalling => (Primary::Check, self.chosen.is_some()),
            Phase::Done => (Primary::NextLesson, true),
            Phase::Intro | Phase::Observed | Phase::Solved | Phase::Explained | Phase::Recalled => {
                let last = self.index + 1 == self.lesson().steps.len();
                (if last { Primary::Finish } else { Primary::Next }, true)
            }
        };
        ButtonView { means, enabled }
    }

    fn question_view(&self, probe: &impl Probe) -> Option<QuestionView> {
        let question = self.question()?;
        let told = matches!(self.phase, Phase::Observed | Phase::Recalled);
        let choice = |(index, choice): (usize, &super::format::Choice)| ChoiceView {
            text: self.gauge.fill_line(&choice.text, probe),
            chosen: self.chosen == Some(index),
            right: self.verdicts.get(index).copied().filter(|_| told),
        };
        Some(QuestionView {
            text: self.gauge.fill_line(&question.text, probe),
            choices: question.choices.iter().enumerate().map(choice).collect(),
            open: matches!(self.phase, Phase::Predicting | Phase::Recalling),
        })
    }

    /// What was predicted, from the run that shows it on.
    fn said(&self, probe: &impl Probe) -> Option<SaidView> {
        if !matches!(self.phase, Phase::Running | Phase::Observed) {
            return None;
        }
        let choice = &self.question()?.choices[self.chosen?];
        let Right::When(conditions) = &choice.right else { return None };
        let curve =
            |condition: &Condition| {
                let of = self.gauge.quantity(&condition.measure)?;
                matches!(of, Quantity::FinishedRate | Quantity::AckedRate | Quantity::Lag)
                    .then_some((of, condition.at_least, condition.at_most))
            };
        let (of, at_least, at_most) = conditions.iter().find_map(curve)?;
        let text = self.gauge.fill_line(&choice.text, probe);
        Some(SaidView { of, at_least, at_most, text })
    }

    fn feedback(&self, probe: &impl Probe) -> Vec<FeedbackView> {
        let mut feedback = Vec::new();
        let mut push = |kind, blocks: &[Block]| {
            feedback.push(FeedbackView { kind, blocks: self.gauge.fill(blocks, probe) });
        };
        let answer = self.question().zip(self.chosen);
        if let Some((question, chosen)) = answer
            && let Some(right) = self.verdicts.get(chosen)
        {
            let kind = if *right { FeedbackKind::Right } else { FeedbackKind::Wrong };
            push(kind, &question.choices[chosen].feedback);
        }
        match (self.step(), self.phase) {
            (Some(Step::Predict { observed, .. }), Phase::Observed) => {
                push(FeedbackKind::Observed, observed);
            }
            (Some(Step::Act { wrong, .. }), Phase::Fixing) if !self.hurried => {
                if let Some(index) = self.task.wrong(probe.now()) {
                    push(FeedbackKind::NotYet, &wrong[index].feedback);
                }
            }
            (Some(Step::Act { solved, .. }), Phase::Solved) => push(FeedbackKind::Solved, solved),
            _ => {}
        }
        feedback
    }

    fn hints_view(&self, probe: &impl Probe) -> (Vec<Vec<super::format::Inline>>, usize) {
        match (self.step(), self.phase) {
            (Some(Step::Act { hints, .. }), Phase::Fixing) => {
                let shown = hints.iter().take(self.hints);
                let filled = shown.map(|hint| self.gauge.fill_line(hint, probe)).collect();
                (filled, hints.len() - self.hints.min(hints.len()))
            }
            _ => (Vec::new(), 0),
        }
    }

    fn solution_view(&self, probe: &impl Probe) -> Option<Vec<SolutionView>> {
        self.solution_at?;
        let Some(Step::Act { solution, .. }) = self.step() else { return None };
        let done = self.solution_done();
        let line = |(index, step): (usize, &super::format::SolutionStep<_>)| SolutionView {
            why: self.gauge.fill_line(&step.why, probe),
            done: index < done && !self.refusals.contains_key(&index),
            refused: self.refusals.get(&index).cloned(),
        };
        Some(solution.iter().enumerate().map(line).collect())
    }
}
