//! What a lesson must have beyond its form: names that exist, numbers that are known when they are
//! told, questions that can be answered, a way out of every task.

use super::format::{Block, Choice, Condition, Inline, Lesson, Right, Step, When};

/// What is wrong with a lesson.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Lint {
    /// What was expected.
    pub(super) expected: String,
    /// A piece of the source near it, if one can be told.
    pub(super) find: Option<String>,
}

fn lint(expected: impl Into<String>) -> Lint {
    Lint { expected: expected.into(), find: None }
}

/// Which moments have passed when a text is shown.
#[derive(Clone, Copy, Default)]
struct Passed {
    observed: bool,
    solved: bool,
}

/// Checks a lesson.
pub(super) fn check<S, A>(lesson: &Lesson<S, A>) -> Result<(), Lint> {
    if lesson.teaches.is_empty() {
        return Err(lint("expected at least one sentence in `teaches`"));
    }
    if lesson.prerequisites.contains(&lesson.id) {
        return Err(lint("expected a lesson that is not its own prerequisite"));
    }
    let has = |wanted: fn(&Step<A>) -> bool| lesson.steps.iter().any(wanted);
    if !has(|step| matches!(step, Step::Predict { .. })) {
        return Err(lint("expected a step `predict`: nobody learns from watching alone"));
    }
    if !has(|step| matches!(step, Step::Act { .. })) {
        return Err(lint("expected a step `act`: a lesson ends with something mended by hand"));
    }
    let mut checker =
        Checker { known: lesson.measures.keys().collect(), passed: Passed::default() };
    for step in &lesson.steps {
        checker.step(step)?;
    }
    Ok(())
}

struct Checker<'a> {
    known: Vec<&'a String>,
    passed: Passed,
}

impl Checker<'_> {
    fn step<A>(&mut self, step: &Step<A>) -> Result<(), Lint> {
        match step {
            Step::Say { text, .. } | Step::Explain { text, .. } => self.blocks(text),
            Step::Predict { text, question, run, observed, .. } => {
                self.blocks(text)?;
                self.inlines(&question.text)?;
                if run.for_ms == 0 {
                    return Err(lint("expected `for_ms` above 0 in the run of a prediction"));
                }
                self.passed.observed = true;
                self.choices(&question.choices)?;
                self.blocks(observed)
            }
            Step::Recall { question, .. } => {
                self.inlines(&question.text)?;
                self.choices(&question.choices)?;
                let fixed = |choice: &Choice| matches!(choice.right, Right::Fixed(_));
                if !question.choices.iter().all(fixed) {
                    return Err(lint(
                        "expected `right`, not `right_when`, in a recall: nothing runs",
                    ));
                }
                Ok(())
            }
            Step::Act { text, goals, hints, solution, wrong, solved, .. } => {
                self.blocks(text)?;
                for (what, len) in [
                    ("goal", goals.len()),
                    ("hint", hints.len()),
                    ("step of the solution", solution.len()),
                    ("wrong solution", wrong.len()),
                ] {
                    if len == 0 {
                        return Err(lint(format!("expected at least one {what} in a step `act`")));
                    }
                }
                for goal in goals {
                    self.condition(&goal.condition)?;
                    self.inlines(&goal.text)?;
                    self.inlines(goal.why_not.as_deref().unwrap_or_default())?;
                }
                hints.iter().try_for_each(|hint| self.inlines(hint))?;
                solution.iter().try_for_each(|step| self.inlines(&step.why))?;
                for wrong in wrong {
                    wrong.when.iter().try_for_each(|condition| self.condition(condition))?;
                    self.blocks(&wrong.feedback)?;
                }
                self.passed.solved = true;
                self.blocks(solved)
            }
        }
    }

    fn choices(&self, choices: &[Choice]) -> Result<(), Lint> {
        let maybe_right = |choice: &&Choice| choice.right != Right::Fixed(false);
        if choices.len() < 2 || choices.iter().filter(maybe_right).count() == 0 {
            return Err(lint("expected two choices or more, at least one of them right"));
        }
        for choice in choices {
            self.inlines(&choice.text)?;
            self.blocks(&choice.feedback)?;
            if let Right::When(conditions) = &choice.right {
                conditions.iter().try_for_each(|condition| self.condition(condition))?;
            }
        }
        Ok(())
    }

    fn condition(&self, condition: &Condition) -> Result<(), Lint> {
        self.measure(&condition.measure)
    }

    fn measure(&self, name: &String) -> Result<(), Lint> {
        if self.known.contains(&name) {
            return Ok(());
        }
        let known: Vec<_> = self.known.iter().map(|name| name.as_str()).collect();
        let expected = format!("expected a measure ({}), got `{name}`", known.join(", "));
        Err(Lint { expected, find: Some(name.clone()) })
    }

    fn blocks(&self, blocks: &[Block]) -> Result<(), Lint> {
        blocks.iter().try_for_each(|block| match block {
            Block::Paragraph(line) => self.inlines(line),
            Block::List { items, .. } => items.iter().try_for_each(|item| self.inlines(item)),
            Block::Code(_) => Ok(()),
        })
    }

    fn inlines(&self, line: &[Inline]) -> Result<(), Lint> {
        line.iter().try_for_each(|piece| match piece {
            Inline::Text(_) | Inline::Code(_) => Ok(()),
            Inline::Strong(inner) | Inline::Emphasis(inner) => self.inlines(inner),
            Inline::Measured { when, name } => {
                let (known, word) = match when {
                    When::Now => (true, "now"),
                    When::Observed => (self.passed.observed, "observed"),
                    When::Solved => (self.passed.solved, "solved"),
                };
                let find = format!("{{{word}.{name}}}");
                if !known {
                    let expected =
                        format!("expected no number from a moment that is still to come: {find}");
                    return Err(Lint { expected, find: Some(find) });
                }
                self.measure(name).map_err(|lint| Lint { find: Some(find), ..lint })
            }
        })
    }
}
