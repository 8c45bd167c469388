//! The header: name, place, ways to go, looks.

use yew::{Callback, Html, Properties, classes, component, html};
use yew_router::components::Link;

use crate::ui::command::{Drawer, UiCommand};
use crate::ui::icon::{Glyph, Icon};
use crate::ui::route::Route;
use crate::ui::store::Theme;
use crate::ui::text;

/// What the header shows.
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct HeaderProps {
    /// The present place.
    pub route: Route,
    /// Title of the present lesson.
    #[prop_or_default]
    pub lesson: Option<String>,
    /// Seed of the session.
    pub seed: u64,
    /// The open drawer.
    pub drawer: Option<Drawer>,
    /// The look.
    pub theme: Theme,
    /// Whether type is large.
    pub presenter: bool,
    /// Where wishes go.
    pub dispatch: Callback<UiCommand>,
}

/// The header.
#[component]
pub fn Header(props: &HeaderProps) -> Html {
    let send = |command: UiCommand| props.dispatch.reform(move |_| command.clone());
    let theme = text::theme(props.theme);
    html! {
        <header class="top">
            <Link<Route> classes="brand" to={Route::Home}>
                { mark() }
                <span class="brand-name">{ text::NAME }</span>
            </Link<Route>>
            <nav class="places" aria-label="Places">
                { place(Route::Lessons, text::LESSONS, in_lessons(&props.route)) }
                if let Some(title) = &props.lesson {
                    <span class="crumb" aria-current="page">{ title }</span>
                }
                { place(Route::Sandbox, text::SANDBOX, in_sandbox(&props.route)) }
                <span class="place-aside">{ place(Route::Fidelity, text::fidelity::LINK, props.route == Route::Fidelity) }</span>
            </nav>
            <div class="drawer-buttons" role="group" aria-label="Panels">
                { for Drawer::ALL.iter().map(|drawer| drawer_button(*drawer, props)) }
            </div>
            <span class="seed" title="The same seed and the same actions give the same run">
                { format!("seed {}", props.seed) }
            </span>
            <div class="looks">
                <button type="button" class="icon-button" aria-label={text::PRESENTER} title={text::PRESENTER}
                    aria-pressed={props.presenter.to_string()} onclick={send(UiCommand::TogglePresenter)}>
                    <Icon of={Glyph::Presentation} size={18} />
                </button>
                <button type="button" class="icon-button" aria-label={theme} title={theme} onclick={send(UiCommand::CycleTheme)}>
                    { theme_icon(props.theme) }
                </button>
                <button type="button" class="icon-button" aria-label={text::HELP} title={text::HELP}
                    onclick={send(UiCommand::ToggleHelp)}>
                    <Icon of={Glyph::Keyboard} size={18} />
                </button>
            </div>
        </header>
    }
}

fn in_lessons(route: &Route) -> bool {
    matches!(route, Route::Lessons)
        || matches!(route, Route::Lesson { .. }) && route.has_a_cluster()
}

fn in_sandbox(route: &Route) -> bool {
    matches!(route, Route::Sandbox | Route::Showcase { .. }) && route.has_a_cluster()
}

fn theme_icon(theme: Theme) -> Html {
    match theme {
        Theme::System => html! { <Icon of={Glyph::Contrast} size={18} /> },
        Theme::Light => html! { <Icon of={Glyph::Sun} size={18} /> },
        Theme::Dark => html! { <Icon of={Glyph::Moon} size={18} /> },
    }
}

fn place(route: Route, words: &'static str, here: bool) -> Html {
    let class = classes!("place", here.then_some("is-here"));
    html! { <Link<Route> classes={class} to={route}><span aria-current={here.then_some("page")}>{ words }</span></Link<Route>> }
}

fn drawer_button(drawer: Drawer, props: &HeaderProps) -> Html {
    let open = props.drawer == Some(drawer);
    let onclick = props.dispatch.reform(move |_| UiCommand::ToggleDrawer(drawer));
    let name = text::drawer(drawer);
    // Where there is no room for the word, its name stays.
    html! {
        <button type="button" class="pill" id={format!("drawer-{}", drawer.word())} aria-pressed={open.to_string()} aria-label={name} title={name} {onclick}>
            { icon(drawer) }
            <span>{ name }</span>
        </button>
    }
}

fn icon(drawer: Drawer) -> Html {
    match drawer {
        Drawer::Charts => html! { <Icon of={Glyph::ChartLine} size={16} /> },
        Drawer::Records => html! { <Icon of={Glyph::BookOpen} size={16} /> },
        Drawer::Events => html! { <Icon of={Glyph::ScrollText} size={16} /> },
        Drawer::Table => html! { <Icon of={Glyph::Captions} size={16} /> },
        Drawer::Terminal => html! { <Icon of={Glyph::Terminal} size={16} /> },
    }
}

/// The product's sign: a log whose last record is not yet safe.
fn mark() -> Html {
    html! {
        <svg class="brand-mark" viewBox="0 0 28 22" width="28" height="22" aria-hidden="true">
            <rect class="brand-a" x="1" y="5" width="7" height="12" rx="2" />
            <rect class="brand-b" x="10" y="5" width="7" height="12" rx="2" />
            <path class="brand-d" d="M18.9 2.6V19.4" />
            <rect class="brand-c" x="21" y="5.6" width="6" height="10.8" rx="1.8" />
        </svg>
    }
}
