//! The lesson panel: goal with live progress, prediction before Run, explanation, hints.

pub mod blocks;

use yew::{
    Callback, Html, Properties, classes, component, html, use_effect_with, use_mut_ref,
    use_node_ref,
};

use self::blocks::{blocks, line};
use crate::lesson::view::{
    ChoiceView, FeedbackKind, FeedbackView, GoalView, QuestionView, SolutionView,
};
use crate::lesson::{Control as Taught, LessonCommand, LessonView, Phase};
use crate::ui::command::UiCommand;
use crate::ui::sandbox::SandboxPanel;
use crate::ui::text;
use crate::view::Part;
use crate::view::sandbox::{Control, SandboxView};

/// The lesson.
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct LessonPanelProps {
    /// The lesson at its present step.
    pub lesson: Part<LessonView>,
    /// Values of the controls that the lesson shows.
    pub sandbox: Part<SandboxView>,
    /// Where wishes go.
    pub dispatch: Callback<UiCommand>,
}

/// The panel.
#[component]
pub fn LessonPanel(props: &LessonPanelProps) -> Html {
    let lesson = &props.lesson;
    let controls = controls(lesson);
    let (headline, read) = (use_node_ref(), use_mut_ref(|| lesson.headline.clone()));
    use_effect_with(lesson.headline.clone(), {
        let headline = headline.clone();
        move |now: &String| {
            // A new step is read from its top; opening the page takes the focus from nobody.
            if read.replace(now.clone()) != *now
                && let Some(element) = headline.cast::<web_sys::HtmlElement>()
            {
                drop(element.focus());
            }
        }
    });
    html! {
        <article class="lesson" aria-labelledby="lesson-title">
            <header>
                <p class="eyebrow">
                    <span>{ format!("{} · {}", lesson.code, lesson.title) }</span>
                    { steps(lesson.step, lesson.steps) }
                </p>
                <h1 id="lesson-title" tabindex="-1" ref={headline}>{ &lesson.headline }</h1>
            </header>
            <div class="prose">{ blocks(&lesson.blocks) }</div>
            { for lesson.goals.iter().map(goal_box) }
            if let Some(question) = &lesson.question { { prediction(question, &props.dispatch) } }
            { for lesson.feedback.iter().map(feedback) }
            if !controls.is_empty() {
                <section class="hands" aria-label={text::YOUR_HANDS}>
                    <SandboxPanel sandbox={props.sandbox.clone()} only={Some(controls)} embedded=true dispatch={props.dispatch.clone()} />
                </section>
            }
            { hints(lesson) }
            { buttons(lesson, &props.dispatch) }
        </article>
    }
}

/// The controls to show: while the learner mends the cluster.
fn controls(lesson: &LessonView) -> Vec<Control> {
    if !matches!(lesson.phase, Phase::Fixing | Phase::Solved) {
        return Vec::new();
    }
    let control = |control: &Taught| match control {
        Taught::Partitions => Some(Control::Partitions),
        Taught::ReplicationFactor => Some(Control::ReplicationFactor),
        Taught::MinInsyncReplicas => Some(Control::MinInsync),
        Taught::Acks => Some(Control::Acks),
        Taught::Rate => Some(Control::Rate),
        Taught::Keys => Some(Control::Keys),
        Taught::Consumers => Some(Control::Consumers),
        Taught::Group => Some(Control::Group),
        Taught::ServiceTime => Some(Control::Service),
        // These are done by clicking a broker.
        Taught::Brokers | Taught::LoseDisk => None,
    };
    lesson.controls.iter().filter_map(control).collect()
}

/// One dot for each step.
fn steps(now: usize, all: usize) -> Html {
    html! {
        <span class="steps" role="img" aria-label={format!("step {now} of {all}")}>
            { for (1..=all).map(|i| html! {
                <i class={step_class(i.cmp(&now))}></i>
            }) }
        </span>
    }
}

fn step_class(place: std::cmp::Ordering) -> &'static str {
    match place {
        std::cmp::Ordering::Less => "is-done",
        std::cmp::Ordering::Equal => "is-now",
        std::cmp::Ordering::Greater => "",
    }
}

fn goal_box(goal: &GoalView) -> Html {
    let share = (goal.fraction.clamp(0.0, 1.0) * 100.0).round();
    html! {
        <section class={classes!("goal", goal.met.then_some("is-reached"))} aria-label={text::GOAL}>
            <div class="goal-line">
                <span>{ line(&goal.text) }</span>
                <b>{ &goal.value }</b>
            </div>
            <progress max="100" value={share.to_string()} aria-label={text::GOAL}></progress>
            if goal.met {
                <p class="goal-note"><lucide_yew::CircleCheck size={16} />{ text::REACHED }</p>
            } else if let Some(why) = &goal.why_not {
                <p class="goal-note">{ line(why) }</p>
            } else {
                <p class="goal-note">{ &goal.wanted }</p>
            }
        </section>
    }
}

fn prediction(question: &QuestionView, dispatch: &Callback<UiCommand>) -> Html {
    let answers = question.choices.iter().enumerate();
    html! {
        <fieldset class="prediction">
            <legend>{ line(&question.text) }</legend>
            { for answers.map(|(i, choice)| answer(i, choice, question.open, dispatch)) }
        </fieldset>
    }
}

fn answer(index: usize, view: &ChoiceView, open: bool, dispatch: &Callback<UiCommand>) -> Html {
    let verdict = view.right.map(|right| if right { "is-true" } else { "is-false" });
    let looks = classes!("choice", view.chosen.then_some("is-chosen"), verdict);
    let choose = UiCommand::Lesson(LessonCommand::Choose(index));
    let onchange = dispatch.reform(move |_: yew::Event| choose.clone());
    let told = match (view.right, view.chosen) {
        (Some(true), _) => Some(text::CAME_TRUE),
        (Some(false), true) => Some(text::DID_NOT),
        _ => None,
    };
    html! {
        <label class={looks}>
            <input type="radio" name="prediction" checked={view.chosen} disabled={!open} {onchange} />
            <span>{ line(&view.text) }</span>
            if let Some(told) = told { <small>{ told }</small> }
        </label>
    }
}

fn feedback(feedback: &FeedbackView) -> Html {
    let kind = match feedback.kind {
        FeedbackKind::Right | FeedbackKind::Solved => "is-good",
        FeedbackKind::Wrong | FeedbackKind::Observed => "is-plain",
        FeedbackKind::NotYet => "is-warn",
    };
    html! { <div class={classes!("explanation", "prose", kind)} role="status">{ blocks(&feedback.blocks) }</div> }
}

fn hints(lesson: &LessonView) -> Html {
    html! {
        <>
            if !lesson.hints.is_empty() {
                <ol class="hints" role="status" aria-label={text::HINT}>
                    { for lesson.hints.iter().map(|hint| html! { <li><lucide_yew::CircleQuestionMark size={16} /><span>{ line(hint) }</span></li> }) }
                </ol>
            }
            if let Some(solution) = &lesson.solution {
                <section class="solution" role="status" aria-label={text::SOLUTION}>
                    <ol>{ for solution.iter().map(solution_line) }</ol>
                    if let Some(note) = lesson.solution_note { <p class="refusal">{ note }</p> }
                </section>
            }
        </>
    }
}

fn solution_line(step: &SolutionView) -> Html {
    let looks = if step.done { "is-done" } else { "" };
    html! {
        <li class={looks}>
            { line(&step.why) }
            if let Some(refused) = &step.refused {
                <p class="refusal">{ text::REFUSED }{ " " }<code>{ refused }</code></p>
            }
        </li>
    }
}

fn buttons(lesson: &LessonView, dispatch: &Callback<UiCommand>) -> Html {
    let send = |command: LessonCommand| dispatch.reform(move |_| UiCommand::Lesson(command));
    let button = |words: String, command: LessonCommand, enabled: bool| {
        html! { <button type="button" class="quiet" disabled={!enabled} onclick={send(command)}>{ words }</button> }
    };
    let hint = match lesson.hints_left {
        0 => text::HINT.to_owned(),
        left => format!("{} ({left} {})", text::HINT, text::MORE_HINTS),
    };
    html! {
        <div class="lesson-foot">
            <button type="button" class="button is-primary" disabled={!lesson.primary.enabled} onclick={send(LessonCommand::Next)}>
                { lesson.primary.label }
            </button>
            <div class="lesson-more">
                { button(hint, LessonCommand::Hint, lesson.hints_left > 0) }
                { button(text::SOLUTION.to_owned(), LessonCommand::ShowSolution, lesson.can_show_solution) }
                { button(text::SKIP_STEP.to_owned(), LessonCommand::Skip, lesson.can_skip) }
            </div>
        </div>
    }
}
