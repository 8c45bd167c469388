//! Side panels that are mostly words: the first visit, the list of lessons, an address without a page.

use yew::{Html, Properties, classes, component, html};
use yew_router::components::Link;

use crate::ui::route::Route;
use crate::ui::text;
use crate::view::Part;
use crate::view::lesson::LessonListing;

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
            <p class="note">{ text::HOME_NOTE }</p>
        </div>
    }
}

/// The lessons.
#[derive(Clone, PartialEq, Properties)]
pub struct LessonListProps {
    /// The lessons, in order.
    pub lessons: Part<Vec<LessonListing>>,
}

/// The list of lessons.
#[component]
pub fn LessonList(props: &LessonListProps) -> Html {
    html! {
        <div class="lesson-list">
            <h1>{ text::LESSONS_TITLE }</h1>
            <p>{ text::LESSONS_LEAD }</p>
            <ol>
                { for props.lessons.iter().map(listing) }
            </ol>
        </div>
    }
}

fn listing(lesson: &LessonListing) -> Html {
    let to = Route::Lesson { slug: lesson.slug.to_string() };
    html! {
        <li class={classes!("listing", lesson.solved.then_some("is-solved"))}>
            <Link<Route> {to}>
                <span class="eyebrow">
                    { lesson.eyebrow.to_string() }
                    if lesson.solved { <span class="solved"><lucide_yew::CircleCheck size={14} />{ text::SOLVED }</span> }
                </span>
                <strong>{ lesson.title.to_string() }</strong>
                <span>{ lesson.teaches.to_string() }</span>
            </Link<Route>>
        </li>
    }
}

/// An address that leads nowhere.
#[component]
pub fn NotFoundPanel() -> Html {
    html! {
        <div class="home">
            <h1>{ text::NOT_FOUND }</h1>
            <Link<Route> classes="button is-primary" to={Route::Home}>{ text::NAME }</Link<Route>>
        </div>
    }
}
