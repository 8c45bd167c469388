//! A lesson's source: Markdown with TOML front matter. Shared by `build.rs` and the tests. A file is
//! read as a whole or not at all; every error names its line and what was expected.
//!
//! ```text
//! +++
//! code = "C1"            # front matter: what the lesson does
//! [[steps]]
//! do = "say"
//! text = "intro"         # names a section below
//! +++
//! ## intro               # sections: what the lesson says
//! Orders arrive ...
//! ```

mod front;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use toml::Spanned;

use self::front::{
    Front, FrontChoice, FrontGoal, FrontRun, FrontStep, FrontTimed, FrontWrong, Kind, Text,
};
use super::format::{
    Block, Choice, Condition, Goal, Inline, Lesson, Question, Right, Run, SolutionStep, Step,
    Timed, WrongSolution,
};
use super::prose::{self, SourceError, line_at};

/// Reads a lesson. `id` is the name of its file without the ending.
pub(super) fn parse<S, A>(id: &str, text: &str) -> Result<Lesson<S, A>, SourceError>
where
    S: DeserializeOwned,
    A: DeserializeOwned,
{
    let (front, body) = split(text)?;
    let mut reader = Reader { front, sections: sections(body, line_of(text, body))? };
    let parsed: Front<S, A> = toml::from_str(front).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        SourceError::new(reader.line(offset), error.message().trim())
    })?;
    let mut steps = Vec::new();
    for step in parsed.steps {
        let line = reader.line(step.span().start);
        steps.push(reader.step(step.into_inner(), line)?);
    }
    if let Some((name, section)) = reader.sections.iter().find(|(_, section)| !section.used) {
        let expected = format!("expected a step that uses the section `{name}`");
        return Err(SourceError::new(section.line, expected));
    }
    let lesson = Lesson {
        id: id.to_owned(),
        code: parsed.code,
        title: parsed.title,
        teaches: parsed.teaches,
        prerequisites: parsed.prerequisites,
        ways: parsed.ways,
        controls: parsed.controls,
        scenario: parsed.scenario,
        measures: parsed.measures,
        steps,
    };
    super::lint::check(&lesson).map_err(|lint| {
        let line =
            lint.find.and_then(|needle| text.find(&needle)).map_or(1, |at| line_at(text, at));
        SourceError::new(line, lint.expected)
    })?;
    Ok(lesson)
}

/// Front matter and body.
fn split(text: &str) -> Result<(&str, &str), SourceError> {
    let rest = text
        .strip_prefix("+++\n")
        .ok_or_else(|| SourceError::new(1, "expected a line `+++` before the front matter"))?;
    rest.split_once("\n+++\n").ok_or_else(|| {
        SourceError::new(line_at(text, text.len()), "expected a line `+++` after the front matter")
    })
}

/// Line on which `part`, a piece of `text`, begins.
fn line_of(text: &str, part: &str) -> usize {
    line_at(text, text.len() - part.len())
}

struct Section {
    line: usize,
    blocks: Vec<Block>,
    used: bool,
}

/// The sections of the body by name.
fn sections(body: &str, first_line: usize) -> Result<BTreeMap<String, Section>, SourceError> {
    let mut sections = BTreeMap::new();
    let mut name: Option<(String, usize)> = None;
    let mut text = String::new();
    let mut in_code = false;
    let ending = [(body.lines().count(), "## ")];
    for (index, line) in body.lines().enumerate().chain(ending) {
        in_code ^= line.starts_with("```");
        let Some(next) = line.strip_prefix("## ").filter(|_| !in_code) else {
            if name.is_none() && !line.trim().is_empty() {
                return Err(SourceError::new(first_line + index, "expected a heading `## name`"));
            }
            text.push_str(line);
            text.push('\n');
            continue;
        };
        if let Some((name, line)) = name.take() {
            let blocks = prose::blocks(&text, line + 1)?;
            if blocks.is_empty() {
                return Err(SourceError::new(line, format!("expected text under `{name}`")));
            }
            if sections.insert(name.clone(), Section { line, blocks, used: false }).is_some() {
                return Err(SourceError::new(line, format!("expected only one `{name}`")));
            }
        }
        text.clear();
        name = Some((next.trim().to_owned(), first_line + index));
    }
    Ok(sections)
}

/// Turns what stands in the file into what a lesson is.
struct Reader<'a> {
    front: &'a str,
    sections: BTreeMap<String, Section>,
}

impl Reader<'_> {
    /// Line in the file of an offset in the front matter, which begins on the second line.
    fn line(&self, offset: usize) -> usize {
        line_at(self.front, offset) + 1
    }

    fn section(&mut self, name: &Text) -> Result<Vec<Block>, SourceError> {
        let line = self.line(name.span().start);
        let section = self.sections.get_mut(name.get_ref()).ok_or_else(|| {
            SourceError::new(line, format!("expected a section `## {}` below", name.get_ref()))
        })?;
        section.used = true;
        Ok(section.blocks.clone())
    }

    fn inline(&self, text: &Text) -> Result<Vec<Inline>, SourceError> {
        prose::inline(text.get_ref(), self.line(text.span().start))
    }

    fn step<A>(&mut self, mut step: FrontStep<A>, line: usize) -> Result<Step<A>, SourceError> {
        let kind = step.r#do;
        let headline = std::mem::take(&mut step.headline);
        let text = |this: &mut Self, field: Option<Text>, name: &str| {
            this.section(&need(field, name, kind, line)?)
        };
        let result = match kind {
            Kind::Say => Step::Say {
                headline,
                text: text(self, step.text.take(), "text")?,
                run: step.run.take().map(run),
            },
            Kind::Predict => Step::Predict {
                headline,
                text: text(self, step.text.take(), "text")?,
                question: self.question(&mut step, line)?,
                run: run(need(step.run.take(), "run", kind, line)?),
                observed: text(self, step.observed.take(), "observed")?,
            },
            Kind::Act => {
                let text = text(self, step.text.take(), "text")?;
                self.act(headline, text, &mut step, line)?
            }
            Kind::Explain => {
                Step::Explain { headline, text: text(self, step.text.take(), "text")? }
            }
            Kind::Recall => Step::Recall { headline, question: self.question(&mut step, line)? },
        };
        match step.leftover() {
            None => Ok(result),
            Some(field) => {
                let expected = format!("expected no `{field}` in a step `{}`", kind.name());
                Err(SourceError::new(line, expected))
            }
        }
    }

    fn act<A>(
        &mut self,
        headline: String,
        text: Vec<Block>,
        step: &mut FrontStep<A>,
        line: usize,
    ) -> Result<Step<A>, SourceError> {
        let goals = need(step.goals.take(), "goals", Kind::Act, line)?;
        let hints = need(step.hints.take(), "hints", Kind::Act, line)?;
        let solution = need(step.solution.take(), "solution", Kind::Act, line)?;
        let wrong = need(step.wrong.take(), "wrong", Kind::Act, line)?;
        let solved = need(step.solved.take(), "solved", Kind::Act, line)?;
        Ok(Step::Act {
            headline,
            text,
            goals: goals.iter().map(|goal| self.goal(goal)).collect::<Result<_, _>>()?,
            hints: hints.iter().map(|hint| self.inline(hint)).collect::<Result<_, _>>()?,
            solution: solution
                .into_iter()
                .map(|step| {
                    let why = self.inline(&step.why)?;
                    Ok(SolutionStep { after_ms: step.after_ms, action: step.action, why })
                })
                .collect::<Result<_, SourceError>>()?,
            wrong: wrong.into_iter().map(|wrong| self.wrong(wrong)).collect::<Result<_, _>>()?,
            solved: self.section(&solved)?,
            pause_on: step.pause_on.take().unwrap_or_default(),
        })
    }

    fn goal(&self, goal: &FrontGoal) -> Result<Goal, SourceError> {
        Ok(Goal {
            text: self.inline(&goal.text)?,
            condition: self.condition(&goal.condition)?,
            for_ms: goal.for_ms,
            why_not: goal.why_not.as_ref().map(|text| self.inline(text)).transpose()?,
        })
    }

    fn wrong<A>(&mut self, wrong: FrontWrong<A>) -> Result<WrongSolution<A>, SourceError> {
        if wrong.actions.is_empty() {
            let line = self.line(wrong.name.span().start);
            return Err(SourceError::new(line, "expected the actions that lead there"));
        }
        Ok(WrongSolution {
            name: wrong.name.get_ref().clone(),
            when: self.conditions(&wrong.when)?,
            feedback: self.section(&wrong.feedback)?,
            actions: wrong.actions.into_iter().map(timed).collect(),
        })
    }

    fn question<A>(
        &mut self,
        step: &mut FrontStep<A>,
        line: usize,
    ) -> Result<Question, SourceError> {
        let text = need(step.question.take(), "question", step.r#do, line)?;
        let choices = need(step.choices.take(), "choices", step.r#do, line)?;
        Ok(Question {
            text: self.inline(&text)?,
            choices: choices.iter().map(|choice| self.choice(choice)).collect::<Result<_, _>>()?,
        })
    }

    fn choice(&mut self, choice: &FrontChoice) -> Result<Choice, SourceError> {
        let right = match (choice.right, &choice.right_when) {
            (Some(right), None) => Right::Fixed(right),
            (None, None) => Right::Fixed(false),
            (None, Some(conditions)) => Right::When(self.conditions(conditions)?),
            (Some(_), Some(_)) => {
                let line = self.line(choice.text.span().start);
                return Err(SourceError::new(line, "expected `right` or `right_when`, not both"));
            }
        };
        Ok(Choice {
            text: self.inline(&choice.text)?,
            right,
            misconception: choice.misconception.clone(),
            feedback: self.section(&choice.feedback)?,
        })
    }

    fn conditions(&self, all: &[Spanned<Condition>]) -> Result<Vec<Condition>, SourceError> {
        all.iter().map(|condition| self.condition(condition)).collect()
    }

    fn condition(&self, condition: &Spanned<Condition>) -> Result<Condition, SourceError> {
        let Condition { at_least, at_most, .. } = condition.get_ref();
        if at_least.is_none() && at_most.is_none() {
            let line = self.line(condition.span().start);
            return Err(SourceError::new(line, "expected `at_least` or `at_most`"));
        }
        Ok(condition.get_ref().clone())
    }
}

fn need<T>(field: Option<T>, name: &str, kind: Kind, line: usize) -> Result<T, SourceError> {
    field.ok_or_else(|| {
        SourceError::new(line, format!("expected a field `{name}` in a step `{}`", kind.name()))
    })
}

fn run<A>(run: FrontRun<A>) -> Run<A> {
    Run {
        for_ms: run.for_ms,
        speed: run.speed,
        actions: run.actions.into_iter().map(timed).collect(),
        pause_on: run.pause_on,
    }
}

fn timed<A>(timed: FrontTimed<A>) -> Timed<A> {
    Timed { after_ms: timed.after_ms, action: timed.action }
}

#[cfg(test)]
mod tests;
