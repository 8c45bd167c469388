//! The session behind the page: free play or a lesson, with the terminal, and what Kafka refused.

use std::rc::Rc;

use crate::base::{Duration, Offset, TopicPartition};
use crate::cluster::{Action, Cluster, Scenario};
use crate::lesson::{LessonCommand, LessonRecord, LessonView, Moment, Phase, Way, course};
use crate::session::{PlaybackCommand, PlaybackResponse, Session, Speed, Stop, Tutor};
use crate::shell::Shell;
use crate::ui::command::TerminalCommand;
use crate::ui::route::Route;
use crate::ui::scenarios::{self, Showcase};
use crate::view::motion::MotionOptions;
use crate::view::sandbox::{Change, Refusal, SandboxView, actions, hint, hint_for};
use crate::view::scene::{CauseView, Motion, RecordView};
use crate::view::{Part, PlaybackView, Scene, TerminalView, project};

/// Simulated time that has passed when the first visit begins: long enough for the trouble to show.
const HEAD_START: Duration = Duration::from_secs(14);
/// The same for the sandbox: its group has shared out its partitions.
const SETTLING: Duration = Duration::from_secs(6);
/// Speed of free play at first: single messages can be followed.
const FREE_SPEED: f64 = 0.2;

/// What is played.
#[derive(Debug)]
enum Play {
    Free(Box<Session>),
    Lesson(Box<Tutor>),
}

/// The session behind the page.
#[derive(Debug)]
pub(super) struct Host {
    /// The address that it was begun for.
    route: Route,
    play: Play,
    shell: Shell,
    terminal: Part<TerminalView>,
    lesson: Option<Part<LessonView>>,
    sandbox: Part<SandboxView>,
    refusal: Option<Refusal>,
    /// Calls of the administrator's client that have no answer yet, with what they are for.
    asked: Vec<(u64, Option<Change>)>,
    behind: bool,
    stopped: Option<Rc<str>>,
    seed: u64,
}

impl Host {
    /// The session for `route`. Addresses without a cluster of their own show the first visit's.
    pub(super) fn new(route: &Route, seed: u64) -> Self {
        let play = begin(route, seed);
        let cluster = match &play {
            Play::Free(session) => session.cluster(),
            Play::Lesson(tutor) => tutor.session().cluster(),
        };
        let mut host = Self {
            route: route.clone(),
            sandbox: Part::new(project::sandbox(cluster)),
            play,
            shell: Shell::default(),
            terminal: Part::default(),
            lesson: None,
            refusal: None,
            asked: Vec::new(),
            behind: false,
            stopped: None,
            seed,
        };
        host.renew_terminal();
        host.renew_lesson();
        host
    }

    /// The address that it was begun for.
    pub(super) fn route(&self) -> &Route {
        &self.route
    }

    fn session(&self) -> &Session {
        match &self.play {
            Play::Free(session) => session,
            Play::Lesson(tutor) => tutor.session(),
        }
    }

    fn session_mut(&mut self) -> &mut Session {
        match &mut self.play {
            Play::Free(session) => session,
            Play::Lesson(tutor) => tutor.session_mut(),
        }
    }

    fn cluster(&self) -> &Cluster {
        self.session().cluster()
    }

    /// A frame of `real_ms`. True while time runs.
    pub(super) fn advance(&mut self, real_ms: f64) -> bool {
        let real = Duration(micros(real_ms));
        let response = match &mut self.play {
            Play::Free(session) => session.update(real),
            Play::Lesson(tutor) => tutor.update(real),
        };
        self.note(response);
        if self.shell.running().is_some() {
            let changed = match &mut self.play {
                Play::Free(session) => self.shell.poll(&mut **session),
                Play::Lesson(tutor) => self.shell.poll(tutor.session_mut()),
            };
            if changed {
                self.renew_terminal();
            }
        }
        let playing = self.session().playback().is_playing();
        if playing {
            // A lesson may play on by itself: a stop of before is over.
            self.stopped = None;
        }
        playing
    }

    fn note(&mut self, response: PlaybackResponse) {
        self.behind = response.behind.is_some();
        if let Some(Stop::Moment(moment)) = response.stopped {
            self.stopped = Some(moment_words(moment).into());
        }
    }

    /// Does what is asked of playback.
    pub(super) fn playback_command(&mut self, command: PlaybackCommand) {
        let goes_on = !matches!(
            command,
            PlaybackCommand::SetSpeed(_) | PlaybackCommand::Faster | PlaybackCommand::Slower
        );
        if goes_on {
            self.stopped = None;
        }
        let response = self.session_mut().command(command);
        self.note(response);
    }

    /// What the playback bar shows.
    pub(super) fn playback(&self) -> PlaybackView {
        let playback = self.session().playback();
        let speed = playback.speed();
        PlaybackView {
            playing: playback.is_playing(),
            notch: speed.notch(),
            speed: speed.factor(),
            label: speed.to_string().into(),
            behind: self.behind && playback.is_playing(),
            stopped: self.stopped.clone(),
        }
    }

    /// Changes the cluster.
    pub(super) fn act(&mut self, action: &Action) {
        self.refusal = None;
        self.perform(action, None);
    }

    fn perform(&mut self, action: &Action, change: Option<&Change>) {
        let call = self.cluster().next_admin_call();
        if let Err(error) = self.session_mut().act(action.clone()) {
            let message = error.message.as_str().into();
            let control = change.map(Change::control);
            let hint = control.map_or(hint(""), hint_for);
            self.refusal = Some(Refusal { control, message, hint });
        } else if self.cluster().next_admin_call() > call {
            self.asked.push((call, change.cloned()));
        }
    }

    /// Changes a setting of the sandbox.
    pub(super) fn change(&mut self, change: &Change) {
        self.refusal = None;
        match actions(&self.sandbox, change) {
            Ok(actions) => actions.iter().for_each(|action| self.perform(action, Some(change))),
            Err(refusal) => self.refusal = Some(refusal),
        }
    }

    /// The last refusal.
    pub(super) fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    /// Does what is asked in the lesson panel.
    pub(super) fn lesson_command(&mut self, command: LessonCommand) {
        self.stopped = None;
        if let Play::Lesson(tutor) = &mut self.play {
            tutor.command(command);
        }
    }

    /// Id of the lesson that is over, if one is.
    pub(super) fn finished_lesson(&self) -> Option<String> {
        match &self.play {
            Play::Lesson(tutor) if tutor.run().phase() == Phase::Done => {
                Some(tutor.run().lesson().id.clone())
            }
            _ => None,
        }
    }

    /// How the lesson ended, once it has.
    pub(super) fn record(&self) -> Option<(String, LessonRecord)> {
        let Play::Lesson(tutor) = &self.play else { return None };
        Some((tutor.run().lesson().id.clone(), tutor.completed()?.clone()))
    }

    /// Does what is asked in the terminal.
    pub(super) fn terminal_command(&mut self, command: &TerminalCommand) {
        let session: &mut Session = match &mut self.play {
            Play::Free(session) => session,
            Play::Lesson(tutor) => tutor.session_mut(),
        };
        match command {
            TerminalCommand::Line(line) => self.shell.submit(line, session),
            TerminalCommand::Interrupt => self.shell.interrupt(session),
            TerminalCommand::EndOfInput => self.shell.end_of_input(session),
            TerminalCommand::Clear => self.shell.submit("clear", session),
        }
        self.renew_terminal();
    }

    /// The picture; looks after answers of the administrator's client on the way.
    pub(super) fn scene(&mut self, before: Option<&Scene>) -> Scene {
        self.hear_answers();
        self.renew_lesson();
        let view = SandboxView {
            waiting: self.asked.iter().filter_map(|(_, change)| change.clone()).collect(),
            refusal: self.refusal.clone(),
            ..project::sandbox(self.cluster())
        };
        self.sandbox = Part::renew(Some(&self.sandbox), view);
        project::scene(self.cluster(), before)
    }

    fn hear_answers(&mut self) {
        let mut refusal = None;
        let cluster = match &self.play {
            Play::Free(session) => session.cluster(),
            Play::Lesson(tutor) => tutor.session().cluster(),
        };
        self.asked.retain(|(call, change)| match cluster.admin_answer(*call) {
            None => true,
            Some(Ok(_)) => false,
            Some(Err(error)) => {
                let text = format!("{}: {}", error.error.exception(), error.message);
                let hint = hint(error.error.name());
                let control = change.as_ref().map(Change::control);
                refusal = Some(Refusal { control, message: text.into(), hint });
                false
            }
        });
        if refusal.is_some() {
            self.refusal = refusal;
        }
    }

    /// The record at that place, if some log holds it.
    pub(super) fn record_at(&self, tp: TopicPartition, offset: Offset) -> Option<RecordView> {
        project::record(self.cluster(), tp, offset)
    }

    /// What led to the event with that number.
    pub(super) fn why(&self, event: u64) -> Vec<CauseView> {
        project::why(self.cluster(), event)
    }

    /// What moves now.
    pub(super) fn motion(&self, options: &MotionOptions) -> Motion {
        project::motion(self.cluster(), options)
    }

    /// The terminal.
    pub(super) fn terminal(&self) -> &Part<TerminalView> {
        &self.terminal
    }

    /// The lesson, if one is taught.
    pub(super) fn lesson(&self) -> Option<&Part<LessonView>> {
        self.lesson.as_ref()
    }

    /// Whether the lesson is worked on in the terminal.
    pub(super) fn teaches_commands(&self) -> bool {
        self.lesson.as_ref().is_some_and(|lesson| lesson.ways.contains(&Way::Terminal))
    }

    /// Values of the sandbox's controls.
    pub(super) fn sandbox(&self) -> &Part<SandboxView> {
        &self.sandbox
    }

    /// The session as text: for a report.
    pub(super) fn saved(&self) -> String {
        self.session().save()
    }

    /// How many things were done, by the learner or a lesson.
    pub(super) fn deeds(&self) -> usize {
        self.session().journal().len()
    }

    /// The same place again, from its beginning.
    pub(super) fn restarted(&self) -> Self {
        Self::new(&self.route, self.seed)
    }

    fn renew_terminal(&mut self) {
        self.terminal = Part::renew(Some(&self.terminal), TerminalView::from(&self.shell));
    }

    fn renew_lesson(&mut self) {
        self.lesson = match &self.play {
            Play::Lesson(tutor) => Some(Part::renew(self.lesson.as_ref(), tutor.view())),
            Play::Free(_) => None,
        };
    }
}

fn begin(route: &Route, seed: u64) -> Play {
    if let Route::Lesson { slug } = route
        && let Some(lesson) = course().lesson(slug)
    {
        let tutor = Tutor::begin(lesson, seed).expect("a test starts every lesson's cluster");
        return Play::Lesson(Box::new(tutor));
    }
    let (scenario, head_start) = match route {
        Route::Sandbox => (scenarios::sandbox(), SETTLING),
        Route::Showcase { name } if let Some(showcase) = Showcase::named(name) => {
            (showcase.scenario(), SETTLING)
        }
        _ => (scenarios::first_visit(), HEAD_START),
    };
    Play::Free(Box::new(free(&scenario, seed, head_start)))
}

/// A session that plays already, `head_start` after its beginning.
fn free(scenario: &Scenario, seed: u64, head_start: Duration) -> Session {
    let mut session = Session::new(scenario, seed).expect("a test starts these clusters");
    let command = |session: &mut Session, command| {
        let PlaybackResponse { .. } = session.command(command);
    };
    command(&mut session, PlaybackCommand::SetSpeed(Speed::FASTEST));
    command(&mut session, PlaybackCommand::Play);
    let at = session.cluster().now() + head_start;
    while session.cluster().now() < at {
        let PlaybackResponse { .. } = session.update(Duration::from_millis(20));
    }
    command(&mut session, PlaybackCommand::SetSpeed(Speed::near(FREE_SPEED)));
    session
}

fn micros(real_ms: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let micros = (real_ms * 1e3).clamp(0.0, 1e9) as u64;
    micros
}

fn moment_words(moment: Moment) -> &'static str {
    match moment {
        Moment::Election => "a leader was elected",
        Moment::Rebalance => "a group shared out anew",
        Moment::IsrShrink => "a copy fell out of sync",
        Moment::BrokerFenced => "a broker was given up",
        Moment::PartitionsAdded => "partitions were added",
        Moment::LogDeleted => "a log is gone",
    }
}
