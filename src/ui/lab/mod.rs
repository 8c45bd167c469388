//! The one owner of all state: the session, the looks, what is open. Children get narrow parts of the
//! picture and one callback; motion is painted from here, once a frame, outside the page's structure.

mod browser;
mod commands;
mod host;
mod keys;
mod view;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use gloo_render::AnimationFrame;
use yew::{Callback, Component, Context, Html, NodeRef, Properties};

use self::browser::Listeners;
use self::host::Host;
use super::command::{Drawer, Selection, UiCommand};
use super::route::Route;
use super::stage::Painter;
use super::store::{BrowserStore, Memory, Theme};
use super::text;
use crate::base::Duration;
use crate::lesson::Progress;
use crate::session::PlaybackCommand;
use crate::view::layout::{Layout, Shape, Size};
use crate::view::motion::MotionOptions;
use crate::view::scene::{CauseView, MessageKind};
use crate::view::{Part, Scene};

/// Seed of every session.
const SEED: u64 = 42;
/// Structure is rendered at most this often: every so many milliseconds.
const STRUCTURE_EVERY_MS: f64 = 100.0;

/// The place to show.
#[derive(Clone, PartialEq, Debug, Properties)]
pub(super) struct LabProps {
    /// The place to show.
    pub route: Route,
}

/// What reaches the owner.
#[derive(Debug)]
pub(super) enum Msg {
    /// The browser is about to paint; milliseconds on its clock.
    Frame(f64),
    /// The learner wants something.
    Command(UiCommand),
    /// The stage has this much room now.
    Room(Size),
    /// The system's looks or wish for less motion changed.
    System,
    /// A key went down that nobody else wanted.
    Key(String),
}

/// The owner.
#[derive(Debug)]
pub(super) struct Lab {
    host: Host,
    scene: Scene,
    layout: Part<Layout>,
    shape: Shape,
    room: Size,
    painter: Painter,
    canvas: NodeRef,
    stage: NodeRef,
    dispatch: Callback<UiCommand>,
    memory: Memory,
    /// What the learner has done, read when the list of lessons comes into sight.
    progress: Part<Progress>,
    theme: Theme,
    presenter: bool,
    reduced: bool,
    /// Counts changes of the look, so that charts are painted anew.
    look: u32,
    hidden: BTreeSet<MessageKind>,
    drawer: Option<Drawer>,
    selected: Option<Selection>,
    /// The event whose causes are told, with them. They are read once: the memory of causes moves on.
    why: Option<(u64, Part<Vec<CauseView>>)>,
    help: bool,
    /// Why saved progress could not be read, until the learner knows.
    unreadable: Option<String>,
    /// A drawer was opened or closed by hand: the focus goes with it.
    attend: Option<Drawer>,
    /// The place whose title the document has.
    titled: Option<Route>,
    frame: Option<AnimationFrame>,
    last_frame: Option<f64>,
    last_structure: f64,
    listeners: Option<Listeners>,
    /// Whether the stage is in sight: the listener for keys asks before the owner hears of them.
    in_sight: Rc<Cell<bool>>,
    /// What playback is told once the stage is back in sight: that time goes on, if it ran before.
    resume: Option<PlaybackCommand>,
    /// How much of what was done a crash would show.
    noted: usize,
}

impl Component for Lab {
    type Message = Msg;
    type Properties = LabProps;

    fn create(ctx: &Context<Self>) -> Self {
        let mut host = Host::new(&ctx.props().route, SEED);
        let route = &ctx.props().route;
        let resume = rest_unseen(&mut host, route, None);
        browser::note_for_a_crash(&host.saved());
        let scene = host.scene(None);
        let shape = Shape::from(&scene);
        let room = Size { width: 900.0, height: 520.0 };
        let memory = Memory::new(BrowserStore);
        let drawer = host.teaches_commands().then_some(Drawer::Terminal);
        let canvas = NodeRef::default();
        Self {
            layout: Part::new(Layout::new(&shape, room, 1.0)),
            host,
            scene,
            shape,
            room,
            painter: Painter::new(canvas.clone()),
            canvas,
            stage: NodeRef::default(),
            dispatch: ctx.link().callback(Msg::Command),
            theme: memory.theme(),
            presenter: memory.presenter(),
            reduced: browser::prefers_less_motion(),
            look: 0,
            hidden: BTreeSet::from([MessageKind::Heartbeat, MessageKind::Control]),
            drawer,
            selected: None,
            why: None,
            help: false,
            unreadable: memory.unreadable(),
            progress: Part::new(memory.progress()),
            attend: None,
            titled: None,
            memory,
            frame: None,
            last_frame: None,
            last_structure: 0.0,
            listeners: None,
            in_sight: Rc::new(Cell::new(route.shows_the_stage())),
            resume,
            noted: 0,
        }
    }

    fn changed(&mut self, ctx: &Context<Self>, _before: &LabProps) -> bool {
        let route = &ctx.props().route;
        if *route == Route::Lessons {
            self.progress = Part::new(self.memory.progress());
        }
        self.in_sight.set(route.shows_the_stage());
        self.resume = rest_unseen(&mut self.host, route, self.resume.take());
        // Time may go on.
        self.wake(ctx);
        // The list of lessons is read beside whatever runs, and so is an address without a place: who
        // comes back finds everything as it was.
        if route.has_a_cluster() && *route != *self.host.route() {
            self.begin(Host::new(route, SEED));
            self.wake(ctx);
        }
        true
    }

    fn update(&mut self, ctx: &Context<Self>, msg: Msg) -> bool {
        match msg {
            Msg::Frame(at) => self.on_frame(ctx, at),
            Msg::Command(command) => {
                self.on_command(ctx, &command);
                self.refresh();
                self.wake(ctx);
                true
            }
            Msg::Room(room) => {
                let changed = room != self.room;
                if changed {
                    self.room = room;
                    self.lay_out();
                    self.wake(ctx);
                }
                changed
            }
            Msg::System => {
                self.reduced = browser::prefers_less_motion();
                self.new_look();
                self.wake(ctx);
                true
            }
            Msg::Key(key) => {
                let Some(command) = keys::command(&key, self.in_sight.get()) else { return false };
                ctx.link().send_message(Msg::Command(command));
                false
            }
        }
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        self.page(ctx.props())
    }

    fn rendered(&mut self, ctx: &Context<Self>, first: bool) {
        if first {
            browser::set_looks(self.theme, self.presenter);
            self.listeners = Some(Listeners::new(ctx, &self.stage, self.in_sight.clone()));
            self.lay_out();
            self.wake(ctx);
        }
        let route = &ctx.props().route;
        if self.titled.as_ref() != Some(route) {
            browser::set_title(&text::title(route));
            // A new place is read from its top; opening the page takes the focus from nobody.
            if self.titled.replace(route.clone()).is_some() {
                browser::attend_to_heading();
            }
        }
        if let Some(drawer) = self.attend.take() {
            browser::attend(drawer, self.drawer == Some(drawer));
        }
    }
}

impl Lab {
    /// One frame: let time pass, paint what moves, and now and then render the structure.
    fn on_frame(&mut self, ctx: &Context<Self>, at: f64) -> bool {
        self.frame = None;
        let real = self.last_frame.map_or(0.0, |before| (at - before).clamp(0.0, 250.0));
        self.last_frame = Some(at);
        let playing = self.host.advance(real);
        let mut render = false;
        if at - self.last_structure >= STRUCTURE_EVERY_MS {
            self.last_structure = at;
            render = self.refresh();
            // A lesson does things by itself while time runs.
            if self.host.deeds() != self.noted {
                self.note();
            }
        }
        let network = self.scene.clock.clock.network();
        let flight = network.latency_us + network.jitter_us / 2;
        let options = MotionOptions {
            speed: self.host.playback().speed,
            flight: Duration(flight),
            hidden: self.hidden.clone(),
            reduced: self.reduced,
        };
        let drift = if playing { real } else { 0.0 };
        let motion = self.host.motion(&options);
        self.painter.paint(&motion, &self.scene.flows, &self.layout, &options, drift);
        if playing {
            self.wake(ctx);
        } else {
            // The next frame, whenever it comes, begins anew.
            self.last_frame = None;
            render |= self.refresh();
        }
        render
    }

    /// Another session takes the place of this one.
    fn begin(&mut self, host: Host) {
        self.host = host;
        self.selected = None;
        self.why = None;
        if self.host.teaches_commands() {
            self.drawer = Some(Drawer::Terminal);
        }
        self.scene = self.host.scene(None);
        self.shape = Shape::from(&self.scene);
        self.lay_out();
        self.note();
    }

    /// Keeps what has been done where a crash can still show it.
    fn note(&mut self) {
        self.noted = self.host.deeds();
        browser::note_for_a_crash(&self.host.saved());
    }

    /// Asks for a frame, unless one is on its way.
    fn wake(&mut self, ctx: &Context<Self>) {
        if self.frame.is_none() {
            let link = ctx.link().clone();
            self.frame = Some(gloo_render::request_animation_frame(move |at| {
                link.send_message(Msg::Frame(at));
            }));
        }
    }

    /// Projects the scene anew. False when nothing changed.
    fn refresh(&mut self) -> bool {
        let scene = self.host.scene(Some(&self.scene));
        if scene == self.scene {
            return false;
        }
        self.scene = scene;
        let shape = Shape::from(&self.scene);
        if shape != self.shape {
            self.shape = shape;
            self.lay_out();
        }
        true
    }

    fn lay_out(&mut self) {
        let scale = if self.presenter { 1.3 } else { 1.0 };
        self.layout = Part::new(Layout::new(&self.shape, self.room, scale));
        self.painter.forget_ways();
    }

    fn new_look(&mut self) {
        self.look += 1;
        browser::set_looks(self.theme, self.presenter);
        self.painter.forget_palette();
    }
}

/// Where nobody sees the stage, no time passes on it. Back in sight it goes on if it was running: `resume`
/// tells, and what comes back is for the next time.
fn rest_unseen(
    host: &mut Host,
    route: &Route,
    resume: Option<PlaybackCommand>,
) -> Option<PlaybackCommand> {
    let playing = host.playback().playing;
    if !route.shows_the_stage() {
        if !playing {
            return resume;
        }
        host.playback_command(PlaybackCommand::Pause);
        return Some(PlaybackCommand::Play);
    }
    if let Some(command) = resume.filter(|_| !playing) {
        host.playback_command(command);
    }
    None
}
