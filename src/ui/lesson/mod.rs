//! The lesson panel: goal with live progress, prediction before Run, explanation, hints.

pub mod blocks;

use yew::{Callback, Html, Properties, classes, component, html};
use yew_router::components::Link;

use self::blocks::{blocks, spans};
use crate::ui::command::{LessonCommand, UiCommand};
use crate::ui::route::Route;
use crate::ui::text;
use crate::view::Part;
use crate::view::lesson::{GoalView, LessonAction, LessonView, PredictionView};

/// The lesson.
#[derive(Clone, PartialEq, Properties)]
pub struct LessonPanelProps {
    /// The lesson at its present step.
    pub lesson: Part<LessonView>,
    /// Where wishes go.
    pub dispatch: Callback<UiCommand>,
}

/// The panel.
#[component]
pub fn LessonPanel(props: &LessonPanelProps) -> Html {
    let lesson = &props.lesson;
    let (done, all) = lesson.progress;
    html! {
        <article class="lesson" aria-labelledby="lesson-title">
            <header>
                <p class="eyebrow">
                    { lesson.eyebrow.to_string() }
                    { steps(done, all) }
                </p>
                <h1 id="lesson-title">{ lesson.title.to_string() }</h1>
            </header>
            <div class="prose">{ blocks(&lesson.body) }</div>
            if let Some(goal) = &lesson.goal { { goal_box(goal) } }
            if let Some(prediction) = &lesson.prediction { { question(prediction, &props.dispatch) } }
            if !lesson.explanation.is_empty() {
                <div class="explanation prose" role="status">{ blocks(&lesson.explanation) }</div>
            }
            { primary(lesson, &props.dispatch) }
            { hints(lesson) }
            { small_buttons(lesson, &props.dispatch) }
        </article>
    }
}

/// One dot for each step.
fn steps(done: u32, all: u32) -> Html {
    html! {
        <span class="steps" role="img" aria-label={format!("step {} of {all}", (done + 1).min(all))}>
            { for (0..all).map(|i| html! {
                <i class={if i < done { "is-done" } else if i == done { "is-now" } else { "" }}></i>
            }) }
        </span>
    }
}

fn goal_box(goal: &GoalView) -> Html {
    let share = (goal.progress.clamp(0.0, 1.0) * 100.0).round();
    html! {
        <section class={classes!("goal", goal.reached.then_some("is-reached"))} aria-label={text::GOAL}>
            <div class="goal-line">
                <span>{ spans(&goal.sentence) }</span>
                <b>{ goal.value.to_string() }</b>
            </div>
            <progress max="100" value={share.to_string()} aria-label={text::GOAL}></progress>
            if goal.reached {
                <p class="goal-note"><lucide_yew::CircleCheck size={16} />{ text::REACHED }</p>
            } else if let Some(not_yet) = &goal.not_yet {
                <p class="goal-note">{ not_yet.to_string() }</p>
            }
        </section>
    }
}

fn question(prediction: &PredictionView, dispatch: &Callback<UiCommand>) -> Html {
    let choice = |(i, choice): (usize, &crate::view::lesson::Choice)| {
        let chosen = prediction.chosen == Some(i);
        let truth = choice.came_true;
        let class = classes!(
            "choice",
            chosen.then_some("is-chosen"),
            truth.map(|came_true| if came_true { "is-true" } else { "is-false" })
        );
        let onchange =
            dispatch.reform(move |_: yew::Event| UiCommand::Lesson(LessonCommand::Predict(i)));
        html! {
            <label {class}>
                <input type="radio" name="prediction" checked={chosen} disabled={prediction.locked} {onchange} />
                <span>{ choice.text.to_string() }</span>
                if let Some(came_true) = truth {
                    if came_true || chosen {
                        <small>{ if came_true { text::CAME_TRUE } else { text::DID_NOT } }</small>
                    }
                }
            </label>
        }
    };
    html! {
        <fieldset class="prediction">
            <legend>{ spans(&prediction.question) }</legend>
            { for prediction.choices.iter().enumerate().map(choice) }
        </fieldset>
    }
}

fn primary(lesson: &LessonView, dispatch: &Callback<UiCommand>) -> Html {
    let Some(action) = lesson.action else { return Html::default() };
    if let (LessonAction::NextLesson, Some((slug, title))) = (action, &lesson.next) {
        let to = Route::Lesson { slug: slug.to_string() };
        return html! {
            <Link<Route> classes="button is-primary" {to}>{ format!("{}: {title}", text::NEXT_LESSON) }</Link<Route>>
        };
    }
    let words = match action {
        LessonAction::Run => text::RUN,
        LessonAction::Continue => text::CONTINUE,
        LessonAction::Check => text::CHECK,
        LessonAction::NextLesson => text::NEXT_LESSON,
    };
    let onclick = dispatch.reform(|_| UiCommand::Lesson(LessonCommand::Primary));
    html! {
        <>
            <button type="button" class="button is-primary" disabled={lesson.blocked.is_some()}
                aria-describedby={lesson.blocked.as_ref().map(|_| "blocked")} {onclick}>{ words }</button>
            if let Some(why) = &lesson.blocked { <p class="blocked" id="blocked">{ why.to_string() }</p> }
        </>
    }
}

fn hints(lesson: &LessonView) -> Html {
    html! {
        <>
            if !lesson.hints.is_empty() {
                <ol class="hints" role="status" aria-label={text::HINT}>
                    { for lesson.hints.iter().map(|hint| html! { <li><lucide_yew::CircleQuestionMark size={16} /><span>{ hint.to_string() }</span></li> }) }
                </ol>
            }
            if let Some(solution) = &lesson.solution {
                <section class="solution" role="status" aria-label={text::SOLUTION}>
                    <ol>{ for solution.iter().map(|line| html! { <li>{ line.to_string() }</li> }) }</ol>
                </section>
            }
        </>
    }
}

fn small_buttons(lesson: &LessonView, dispatch: &Callback<UiCommand>) -> Html {
    let button = |words: &'static str, command: LessonCommand, enabled: bool| {
        let onclick = dispatch.reform(move |_| UiCommand::Lesson(command));
        html! { <button type="button" class="quiet" disabled={!enabled} {onclick}>{ words }</button> }
    };
    html! {
        <div class="lesson-foot">
            { button(text::HINT, LessonCommand::Hint, lesson.more_hints) }
            { button(text::SOLUTION, LessonCommand::Solution, lesson.has_solution) }
            { button(text::SKIP_STEP, LessonCommand::Skip, true) }
        </div>
    }
}
