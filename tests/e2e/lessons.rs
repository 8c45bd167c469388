//! Every lesson as a learner meets it: predicted, run, mended by hand, explained; and each wrong
//! answer and wrong fix answered. What the page has to say is read from the lessons' own files.

use brokerscope::cluster::Action;
use brokerscope::lesson::{
    Block, Choice, Inline, Lesson, LessonStep, Question, Right, Step, WrongSolution, course,
};
use thirtyfour::error::WebDriverResult;

use crate::browser::journey;
use crate::learner::Pace;
use crate::page::Page;

#[test]
fn the_first_lesson_is_solved_by_hand_from_the_first_screen() {
    journey("lesson-one-partition", async |page| {
        page.open("").await?;
        page.click("link", "Find out why").await?;
        solve(page, lesson("one-partition")).await
    });
}

#[test]
fn the_second_lesson_is_solved_by_hand_from_the_list() {
    journey("lesson-no-group", async |page| {
        open_from_the_list(page, lesson("no-group")).await?;
        solve(page, lesson("no-group")).await
    });
}

#[test]
fn the_third_lesson_is_solved_by_hand_from_the_list() {
    journey("lesson-no-replication", async |page| {
        open_from_the_list(page, lesson("no-replication")).await?;
        solve(page, lesson("no-replication")).await
    });
}

#[test]
fn each_wrong_answer_is_answered_by_its_own_text() {
    for lesson in &course().lessons {
        journey(&format!("wrong-answers-{}", lesson.id), async |page| {
            page.open(&format!("#/lesson/{}", lesson.id)).await?;
            for turn in 0..most_wrong_answers(lesson) {
                if turn > 0 {
                    page.click("button", "Start again").await?;
                }
                for step in &lesson.steps {
                    take(page, step, &|question| {
                        let wrong: Vec<_> = choices(question, false).collect();
                        wrong[turn.min(wrong.len() - 1)]
                    })
                    .await?;
                    go_on(page, lesson, step).await?;
                }
            }
            Ok(())
        });
    }
}

#[test]
fn each_wrong_fix_is_answered_by_its_own_text() {
    for lesson in &course().lessons {
        journey(&format!("wrong-fixes-{}", lesson.id), async |page| {
            page.open(&format!("#/lesson/{}", lesson.id)).await?;
            for wrong in wrong_fixes(lesson) {
                page.click("button", "Start again").await?;
                skip_to_the_task(page, lesson).await?;
                page.pace(Pace::Brisk).await?;
                let began = page.simulated_ms().await?;
                for timed in &wrong.actions {
                    page.let_pass(began + timed.after_ms).await?;
                    page.by_hand(&timed.action).await?;
                }
                page.reads(&pieces(&wrong.feedback)).await?;
            }
            Ok(())
        });
    }
}

/// A lesson of the course.
pub(crate) fn lesson(id: &str) -> &'static Lesson {
    course().lesson(id).expect("the course has it")
}

async fn open_from_the_list(page: &Page, lesson: &Lesson) -> WebDriverResult<()> {
    page.open("").await?;
    page.click("link", "Lessons").await?;
    page.click("link", &format!("{}…", lesson.code)).await
}

/// The whole lesson with right answers, and a fix by hand.
async fn solve(page: &Page, lesson: &Lesson) -> WebDriverResult<()> {
    for step in &lesson.steps {
        if let Step::Act { headline, goals, solution, solved, .. } = step {
            page.role("heading", Some(headline)).await?;
            page.screenshot(&format!("lesson-{}-task", lesson.id)).await?;
            page.pace(Pace::Brisk).await?;
            let began = page.simulated_ms().await?;
            for step in solution {
                page.let_pass(began + step.after_ms).await?;
                page.by_hand(&step.action).await?;
            }
            page.reads(&pieces(solved)).await?;
            let goals: Vec<_> =
                goals.iter().flat_map(|goal| [plain(&goal.text), "Reached".into()]).collect();
            page.reads(&goals).await?;
            page.screenshot(&format!("lesson-{}-solved", lesson.id)).await?;
        } else {
            take(page, step, &|question| choices(question, true).next().expect("one is right"))
                .await?;
        }
        go_on(page, lesson, step).await?;
    }
    page.role("heading", Some("Done")).await?;
    page.role("button", Some("Next lesson")).await.map(drop)
}

/// Takes a step of a lesson. Questions are answered as `answer` says; tasks are solved by the button.
async fn take<'a>(
    page: &Page,
    step: &'a LessonStep,
    answer: &dyn Fn(&'a Question) -> &'a Choice,
) -> WebDriverResult<()> {
    match step {
        Step::Say { headline, text, .. } | Step::Explain { headline, text, .. } => {
            page.role("heading", Some(headline)).await?;
            page.reads(&pieces(text)).await
        }
        Step::Predict { headline, text, question, observed, .. } => {
            page.role("heading", Some(headline)).await?;
            page.reads(&pieces(text)).await?;
            let choice = answer(question);
            page.click("radio", &plain(&choice.text)).await?;
            page.click("button", "Run and see").await?;
            page.pace(Pace::Fastest).await?;
            page.reads(&[pieces(&choice.feedback), pieces(observed)].concat()).await?;
            told(page, choice).await
        }
        Step::Recall { headline, question, .. } => {
            page.role("heading", Some(headline)).await?;
            let choice = answer(question);
            page.click("radio", &plain(&choice.text)).await?;
            page.click("button", "Check the answer").await?;
            page.reads(&pieces(&choice.feedback)).await?;
            told(page, choice).await
        }
        Step::Act { headline, text, solved, .. } => {
            page.role("heading", Some(headline)).await?;
            page.reads(&pieces(text)).await?;
            page.click("button", "Show solution").await?;
            page.pace(Pace::Fastest).await?;
            page.reads(&pieces(solved)).await
        }
    }
}

/// Presses the strong button, by the name that it has at the end of `step`.
async fn go_on(page: &Page, lesson: &Lesson, step: &LessonStep) -> WebDriverResult<()> {
    let is_last = lesson.steps.last() == Some(step);
    page.click("button", if is_last { "Finish" } else { "Next" }).await
}

/// The answers stand marked: what happens, and what was chosen instead.
async fn told(page: &Page, choice: &Choice) -> WebDriverResult<()> {
    let mark = if is_right(choice) { "this is what happens" } else { "your answer" };
    let answers = page.names("radio").await?;
    let answer = plain(&choice.text);
    let marked = answers.iter().any(|name| name.starts_with(&answer) && name.ends_with(mark));
    assert!(marked, "{answer:?} is not marked {mark:?}: {answers:?}");
    Ok(())
}

async fn skip_to_the_task(page: &Page, lesson: &Lesson) -> WebDriverResult<()> {
    for step in &lesson.steps {
        page.role("heading", Some(headline(step))).await?;
        if matches!(step, Step::Act { .. }) {
            break;
        }
        page.click("button", "Skip").await?;
    }
    Ok(())
}

/// The line above the text of a step.
pub(crate) fn headline(step: &LessonStep) -> &str {
    let (Step::Say { headline, .. }
    | Step::Predict { headline, .. }
    | Step::Recall { headline, .. }
    | Step::Act { headline, .. }
    | Step::Explain { headline, .. }) = step;
    headline
}

fn questions(lesson: &Lesson) -> impl Iterator<Item = &Question> {
    lesson.steps.iter().filter_map(|step| match step {
        Step::Predict { question, .. } | Step::Recall { question, .. } => Some(question),
        _ => None,
    })
}

fn most_wrong_answers(lesson: &Lesson) -> usize {
    questions(lesson).map(|question| choices(question, false).count()).max().unwrap_or(0)
}

fn choices(question: &Question, right: bool) -> impl Iterator<Item = &Choice> {
    question.choices.iter().filter(move |choice| is_right(choice) == right)
}

/// Which answer the run shows to be right is not in the file: it is the one that no belief stands
/// behind. The page's own mark is compared with it.
fn is_right(choice: &Choice) -> bool {
    match choice.right {
        Right::Fixed(right) => right,
        Right::When(_) => choice.misconception.is_none(),
    }
}

fn wrong_fixes(lesson: &Lesson) -> impl Iterator<Item = &WrongSolution<Action>> {
    lesson.steps.iter().flat_map(|step| match step {
        Step::Act { wrong, .. } => wrong.as_slice(),
        _ => &[],
    })
}

/// What is said, without the numbers of the run between the words.
fn pieces(blocks: &[Block]) -> Vec<String> {
    let mut pieces = Vec::new();
    for block in blocks {
        match block {
            Block::Paragraph(line) => push(&mut pieces, line),
            Block::List { items, .. } => items.iter().for_each(|item| push(&mut pieces, item)),
            Block::Code(code) => pieces.push(code.clone()),
        }
    }
    let whole = |piece: &String| piece.split_whitespace().collect::<Vec<_>>().join(" ");
    pieces.iter().map(whole).filter(|piece| !piece.is_empty()).collect()
}

fn push(pieces: &mut Vec<String>, line: &[Inline]) {
    let mut all = vec![String::new()];
    gather(&mut all, line);
    pieces.append(&mut all);
}

fn gather(pieces: &mut Vec<String>, line: &[Inline]) {
    for inline in line {
        match inline {
            Inline::Strong(inside) | Inline::Emphasis(inside) => gather(pieces, inside),
            Inline::Measured { .. } => pieces.push(String::new()),
            Inline::Text(words) | Inline::Code(words) => {
                pieces.last_mut().expect("there is one from the start").push_str(words);
            }
        }
    }
}

/// A line without numbers in it, as it is read.
fn plain(line: &[Inline]) -> String {
    let mut all = vec![String::new()];
    gather(&mut all, line);
    all.concat()
}
