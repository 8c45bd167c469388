//! The lesson panel: goal with live progress, prediction before Run, explanation, hints.

pub mod blocks;
mod telling;

use yew::{
    Callback, Html, Properties, classes, component, html, use_effect_with, use_mut_ref,
    use_node_ref,
};

use self::blocks::{blocks, line};
use self::telling::Telling;
use crate::lesson::view::{
    ChoiceView, FeedbackKind, FeedbackView, GoalView, Primary, QuestionView, SolutionView, WhyNot,
};
use crate::lesson::{Control as Taught, LessonCommand, LessonView, Phase};
use crate::ui::command::UiCommand;
use crate::ui::icon::{Glyph, Icon};
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
    /// Whether time runs.
    pub playing: bool,
    /// Where wishes go.
    pub dispatch: Callback<UiCommand>,
}

/// The panel.
#[component]
pub fn LessonPanel(props: &LessonPanelProps) -> Html {
    let lesson = &props.lesson;
    let controls = controls(lesson);
    let telling = use_mut_ref(Telling::default);
    let told = telling.borrow_mut().tell(lesson).to_owned();
    let title = lesson.headline.clone().unwrap_or_else(|| text::LESSON_OVER.to_owned());
    let (headline, read) = (use_node_ref(), use_mut_ref(|| title.clone()));
    use_effect_with(title.clone(), {
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
        <article class={classes!("lesson", (lesson.phase == Phase::Fixing).then_some("is-task"))} aria-labelledby="lesson-title">
            <header>
                <p class="eyebrow">
                    <span>{ format!("{} · {}", lesson.code, lesson.title) }</span>
                    { steps(lesson.step, lesson.steps) }
                </p>
                <h1 id="lesson-title" tabindex="-1" ref={headline}>{ title }</h1>
            </header>
            <div class="prose">{ blocks(&lesson.blocks) }</div>
            if let Some(question) = &lesson.question { { prediction(question, &props.dispatch) } }
            { for lesson.feedback.iter().map(feedback) }
            if !controls.is_empty() {
                <section class="hands" aria-label={text::YOUR_HANDS}>
                    <SandboxPanel sandbox={props.sandbox.clone()} only={Some(controls)} dispatch={props.dispatch.clone()} />
                </section>
            }
            { goals(&lesson.goals) }
            { hints(lesson) }
            { buttons(lesson, props.playing, &props.dispatch) }
            <p class="unseen" role="status">{ told }</p>
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
        <span class="steps" role="img" aria-label={text::step_of(now, all)}>
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

/// The goals as a list to be ticked off; what is reached takes one line.
fn goals(goals: &[GoalView]) -> Html {
    if goals.is_empty() {
        return Html::default();
    }
    html! {
        <section class="goals" aria-label={text::GOALS}>
            <h2>{ text::GOALS }</h2>
            <ul>{ for goals.iter().map(goal_line) }</ul>
        </section>
    }
}

fn goal_line(goal: &GoalView) -> Html {
    if goal.met {
        return html! {
            <li class="goal is-reached">
                <Icon of={Glyph::CircleCheck} size={16} />
                <span>{ line(&goal.text) }</span>
                <small>{ text::REACHED }</small>
            </li>
        };
    }
    let share = (goal.fraction.clamp(0.0, 1.0) * 100.0).round();
    html! {
        <li class="goal">
            <i aria-hidden="true"></i>
            <span>{ line(&goal.text) }</span>
            <b>{ &goal.value }</b>
            <progress max="100" value={share.to_string()} aria-label={text::GOAL}></progress>
            <p class="goal-note">
                { goal.why_not.as_ref().map(|why| why_not(why, &goal.value)) }
            </p>
        </li>
    }
}

fn why_not(why: &WhyNot, value: &str) -> Html {
    match why {
        WhyNot::Told(words) => line(words),
        WhyNot::Holds { for_now, of } => html! { { text::holds(*for_now, *of) } },
        WhyNot::Bounds { at_least, at_most } => {
            html! { { text::out_of_bounds(value, at_least.as_deref(), at_most.as_deref()) } }
        }
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
    html! { <div class={classes!("explanation", "prose", kind)}>{ blocks(&feedback.blocks) }</div> }
}

fn hints(lesson: &LessonView) -> Html {
    html! {
        <>
            if !lesson.hints.is_empty() {
                <ol class="hints" aria-label={text::HINT}>
                    { for lesson.hints.iter().map(|hint| html! { <li><Icon of={Glyph::CircleQuestionMark} size={16} /><span>{ line(hint) }</span></li> }) }
                </ol>
            }
            if let Some(solution) = &lesson.solution {
                <section class="solution" aria-label={text::SOLUTION}>
                    <ol>{ for solution.iter().map(solution_line) }</ol>
                    if lesson.solution_failed { <p class="refusal">{ text::SOLUTION_FAILED }</p> }
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

fn buttons(lesson: &LessonView, playing: bool, dispatch: &Callback<UiCommand>) -> Html {
    let send = |command: LessonCommand| dispatch.reform(move |_| UiCommand::Lesson(command));
    let button = |words: String, command: LessonCommand, enabled: bool| {
        html! { <button type="button" class="quiet" disabled={!enabled} onclick={send(command)}>{ words }</button> }
    };
    let hint = match lesson.hints_left {
        0 => text::HINT.to_owned(),
        left => format!("{} ({left} {})", text::HINT, text::MORE_HINTS),
    };
    let met = lesson.goals.iter().filter(|goal| goal.met).count();
    let label = match lesson.primary.means {
        Primary::ReachGoals => text::goals_met(met, lesson.goals.len()),
        other => text::primary(other).to_owned(),
    };
    // A run that plays is waited for. The button stays where the keyboard is, so it is not disabled.
    let runs = playing && lesson.phase == Phase::Running;
    html! {
        <div class="lesson-foot">
            <button type="button" class="button is-primary"
                disabled={!lesson.primary.enabled} aria-disabled={runs.then_some("true")} onclick={send(LessonCommand::Next)}>
                { if runs { text::RUNS.to_owned() } else { label } }
            </button>
            <div class="lesson-more">
                { button(hint, LessonCommand::Hint, lesson.hints_left > 0) }
                { button(text::SOLUTION.to_owned(), LessonCommand::ShowSolution, lesson.can_show_solution) }
                { button(text::SKIP_STEP.to_owned(), LessonCommand::Skip, lesson.can_skip) }
            </div>
        </div>
    }
}
