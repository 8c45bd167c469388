//! The page as a whole: which panel stands where.

use yew::{Callback, Html, html};

use super::{Lab, LabProps};
use crate::lesson::LessonView;
use crate::ui::charts::Charts;
use crate::ui::chrome::{Header, HeadlineStrip, Help, ShowMenu};
use crate::ui::command::{Drawer, Selection, UiCommand};
use crate::ui::drawers::{EventList, Records, TextView};
use crate::ui::fidelity::FidelityDocument;
use crate::ui::home::{HomePanel, LessonList, NotFoundPanel};
use crate::ui::icon::{Glyph, Icon};
use crate::ui::lesson::LessonPanel;
use crate::ui::playback::PlaybackBar;
use crate::ui::route::Route;
use crate::ui::sandbox::SandboxPanel;
use crate::ui::scenarios::Showcase;
use crate::ui::stage::Stage;
use crate::ui::stage::inspector::Inspector;
use crate::ui::terminal::Terminal;
use crate::ui::text;
use crate::view::scene::RecordView;
use crate::view::{Part, describe};

impl Lab {
    /// The whole page.
    pub(super) fn page(&self, props: &LabProps) -> Html {
        let playback = self.host.playback();
        let clock = self.scene.clock.clone();
        let on_close = self.dispatch.reform(|()| UiCommand::ToggleHelp);
        html! {
            <div class="page" data-place={place(&props.route)}>
                <button type="button" class="skip" onclick={Callback::from(|_| focus_stage())}>{ text::SKIP }</button>
                <Header route={props.route.clone()} lesson={self.lesson_here(props).map(|lesson| lesson.title.clone())} seed={clock.seed} drawer={self.drawer}
                    theme={self.theme} presenter={self.presenter} dispatch={self.dispatch.clone()} />
                <aside class="side" aria-label="Guide">{ self.unreadable() }{ self.side(props) }</aside>
                <main class="main" id="main" tabindex="-1" aria-label={main_name(&props.route)}>
                    if props.route == Route::Fidelity { <FidelityDocument /> }
                    <div class="stage-bar">
                        <HeadlineStrip headline={self.scene.headline.clone()} />
                        <ShowMenu hidden={self.hidden.clone()} dispatch={self.dispatch.clone()} />
                    </div>
                    <div class="stage" ref={self.stage.clone()}>
                        <Stage scene={self.scene.clone()} layout={self.layout.clone()} tempo={playback.tempo()}
                            selected={self.selected.clone()} dispatch={self.dispatch.clone()} canvas={self.canvas.clone()} />
                        if let Some(selection) = &self.selected {
                            <Inspector scene={self.scene.clone()} layout={self.layout.clone()} selection={selection.clone()}
                                record={self.record(selection)} taught={self.host.lesson().map(|lesson| lesson.controls.clone())}
                                dispatch={self.dispatch.clone()} />
                        }
                    </div>
                    { self.refused() }
                    { self.drawer_panel() }
                </main>
                <PlaybackBar {playback} {clock} history={self.scene.history.clone()} events={self.scene.events.clone()}
                    dispatch={self.dispatch.clone()} />
                <Help open={self.help} {on_close} />
                <p class="unseen" role="status" aria-live="polite">{ self.spoken(props) }</p>
            </div>
        }
    }

    /// The lesson that the address leads to. Another may wait behind the list or an address without a place.
    fn lesson_here(&self, props: &LabProps) -> Option<&Part<LessonView>> {
        self.host.lesson().filter(|_| props.route == *self.host.route())
    }

    fn side(&self, props: &LabProps) -> Html {
        match (&props.route, self.lesson_here(props)) {
            (Route::Home, _) => html! { <HomePanel /> },
            (Route::Lessons, _) => html! { <LessonList progress={self.progress.clone()} /> },
            (Route::Sandbox, _) => self.sandbox((text::SANDBOX_TITLE, text::SANDBOX_LEAD)),
            (Route::Showcase { name }, _) => match Showcase::named(name) {
                Some(showcase) => self.sandbox(showcase.words),
                None => html! { <NotFoundPanel /> },
            },
            (Route::Lesson { .. }, Some(lesson)) => html! {
                <LessonPanel lesson={lesson.clone()} sandbox={self.host.sandbox().clone()}
                    playing={self.host.playback().playing} dispatch={self.dispatch.clone()} />
            },
            (Route::Fidelity, _) => Html::default(),
            (Route::Lesson { .. } | Route::NotFound, _) => html! { <NotFoundPanel /> },
        }
    }

    fn sandbox(&self, heading: (&'static str, &'static str)) -> Html {
        html! { <SandboxPanel {heading} sandbox={self.host.sandbox().clone()} dispatch={self.dispatch.clone()} /> }
    }

    /// Saved progress that made no sense: where it is now.
    fn unreadable(&self) -> Html {
        let Some(why) = &self.unreadable else { return Html::default() };
        let onclick = self.dispatch.reform(|_| UiCommand::Understood);
        html! {
            <div class="notice" role="status">
                <p>{ text::unreadable(why) }</p>
                <button type="button" class="button" {onclick}>{ text::UNDERSTOOD }</button>
            </div>
        }
    }

    /// A refusal that belongs to no control on screen.
    fn refused(&self) -> Html {
        let Some(refusal) = self.host.refusal().filter(|refusal| refusal.control.is_none()) else {
            return Html::default();
        };
        html! {
            <div class="refusal is-loose" role="status">
                <Icon of={Glyph::TriangleAlert} size={16} />
                <p><code>{ refusal.message.to_string() }</code><span>{ refusal.hint }</span></p>
            </div>
        }
    }

    fn record(&self, selection: &Selection) -> Option<RecordView> {
        let Selection::Record { tp, offset, .. } = selection else { return None };
        self.host.record_at(*tp, *offset)
    }

    fn drawer_panel(&self) -> Html {
        let Some(drawer) = self.drawer else { return Html::default() };
        let inside = match drawer {
            Drawer::Charts => {
                html! { <Charts history={self.scene.history.clone()} said={self.host.lesson().and_then(|lesson| lesson.said.clone())} look={self.look} /> }
            }
            Drawer::Records => html! { <Records ledger={self.scene.ledger.clone()} /> },
            Drawer::Events => {
                html! { <EventList events={self.scene.events.clone()} why={self.why.clone()} dispatch={self.dispatch.clone()} /> }
            }
            Drawer::Table => html! { <TextView scene={self.scene.clone()} /> },
            Drawer::Terminal => {
                html! { <Terminal terminal={self.host.terminal().clone()} playing={self.host.playback().playing} dispatch={self.dispatch.clone()} /> }
            }
        };
        let onclick = self.dispatch.reform(move |()| UiCommand::ToggleDrawer(drawer));
        let close = onclick.clone();
        let onkeydown = Callback::from(move |event: yew::KeyboardEvent| {
            if event.key() == "Escape" {
                event.stop_propagation();
                close.emit(());
            }
        });
        let onclick = onclick.reform(|_| ());
        html! {
            <section class="drawer" aria-label={text::drawer(drawer)} {onkeydown}>
                <button type="button" class="icon-button drawer-close" aria-label={text::CLOSE} {onclick}>
                    <Icon of={Glyph::X} size={16} />
                </button>
                <div class="drawer-body" tabindex="0">{ inside }</div>
            </section>
        }
    }

    /// What a screen reader is told: the whole picture while time stands still, the rest by events.
    fn spoken(&self, props: &LabProps) -> String {
        if !props.route.shows_the_stage() {
            return String::new();
        }
        if self.host.playback().playing {
            let marked = self.scene.events.iter().rev().find(|event| event.mark.is_some());
            return marked.map(|event| event.sentence.to_string()).unwrap_or_default();
        }
        describe::summary(&self.scene)
    }
}

fn place(route: &Route) -> &'static str {
    match route {
        Route::Home => "home",
        Route::Lessons => "lessons",
        Route::Lesson { .. } => "lesson",
        Route::Sandbox | Route::Showcase { .. } => "sandbox",
        Route::Fidelity => "fidelity",
        Route::NotFound => "nowhere",
    }
}

fn main_name(route: &Route) -> &'static str {
    if *route == Route::Fidelity { text::fidelity::TITLE } else { text::STAGE }
}

fn focus_stage() {
    use wasm_bindgen::JsCast as _;
    let main = web_sys::window()
        .and_then(|window| window.document())
        .and_then(|document| document.get_element_by_id("main"))
        .and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(main) = main {
        // The element has a tabindex; a hidden page may still refuse.
        drop(main.focus());
    }
}
