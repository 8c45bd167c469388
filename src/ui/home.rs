//! Side panels that are mostly words: the first visit, the list of lessons, an address without a page.

use yew::{Html, Properties, classes, component, html};
use yew_router::components::Link;

use crate::lesson::{OutlineEntry, Part, Progress, course};
use crate::ui::icon::{Glyph, Icon};
use crate::ui::route::Route;
use crate::ui::text;
use crate::view::Part as Shared;

/// The first lesson's address.
pub const FIRST_LESSON: &str = "one-partition";

/// One sentence and one button.
#[component]
pub fn HomePanel() -> Html {
    html! {
        <div class="home">
            <p class="eyebrow">{ text::HOME_EYEBROW }</p>
            <h1>{ text::HOME_TITLE }</h1>
            <p>{ text::HOME_BODY }</p>
            <Link<Route> classes="button is-primary" to={Route::Lesson { slug: FIRST_LESSON.to_owned() }}>
                { text::HOME_ACTION }
            </Link<Route>>
            <p class="aside">
                <Link<Route> to={Route::Sandbox}>{ text::HOME_SANDBOX }</Link<Route>>
            </p>
            <p class="note">{ text::HOME_NOTE }{ " " }<Link<Route> to={Route::Fidelity}>{ text::fidelity::TITLE }</Link<Route>></p>
        </div>
    }
}

/// What the learner has done.
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct LessonListProps {
    /// What the learner has done.
    pub progress: Shared<Progress>,
}

/// The course: parts in order, lessons to come included.
#[component]
pub fn LessonList(props: &LessonListProps) -> Html {
    let parts = course().outline.parts.iter();
    html! {
        <div class="lesson-list">
            <h1>{ text::LESSONS_TITLE }</h1>
            <p>{ text::LESSONS_LEAD }</p>
            { for parts.map(|part| part_of_course(part, &props.progress)) }
            <p class="aside"><Link<Route> to={Route::Fidelity}>{ text::fidelity::TITLE }</Link<Route>></p>
        </div>
    }
}

/// A part with its lessons; parts of which nothing is written yet are one quiet line.
fn part_of_course(part: &Part, progress: &Progress) -> Html {
    let written = part.lessons.iter().any(|entry| entry.lesson.is_some());
    let to_come = part.lessons.iter().filter(|entry| entry.lesson.is_none()).count();
    html! {
        <section class={classes!("part", (!written).then_some("is-to-come"))}>
            <h2>{ format!("{}. {}", part.letter, part.title) }</h2>
            if written {
                <ol>{ for part.lessons.iter().filter_map(|entry| listing(entry, progress)) }</ol>
            } else {
                <p>{ text::TO_COME }</p>
            }
            if written && to_come > 0 { <p>{ format!("{to_come} more to come") }</p> }
        </section>
    }
}

fn listing(entry: &OutlineEntry, progress: &Progress) -> Option<Html> {
    let id = entry.lesson.clone()?;
    let solved = progress.is_done(&id);
    let teaches = course().lesson(&id).and_then(|lesson| lesson.teaches.first().cloned());
    Some(html! {
        <li class={classes!("listing", solved.then_some("is-solved"))}>
            <Link<Route> to={Route::Lesson { slug: id }}>
                <span class="eyebrow">
                    { &entry.code }
                    if solved { <span class="solved"><Icon of={Glyph::CircleCheck} size={14} />{ text::SOLVED }</span> }
                </span>
                <strong>{ &entry.title }</strong>
                <span>{ teaches.unwrap_or_default() }</span>
            </Link<Route>>
        </li>
    })
}

/// An address that leads nowhere.
#[component]
pub fn NotFoundPanel() -> Html {
    html! {
        <div class="home">
            <h1>{ text::NOT_FOUND }</h1>
            <p>{ text::NOT_FOUND_MEANS }</p>
            <Link<Route> classes="button is-primary" to={Route::Home}>{ text::HOME_LINK }</Link<Route>>
            <p class="aside"><Link<Route> to={Route::Lessons}>{ text::LESSONS_LINK }</Link<Route>></p>
        </div>
    }
}
