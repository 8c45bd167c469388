//! Playback: a state machine without a screen that turns real time into simulated time. It is
//! changed by [`PlaybackCommand`]s only and asked once a frame how far to run.
//!
//! A frame takes at most [`DEFAULT_BUDGET`] events, unless told otherwise. When the machine cannot keep up, simulated
//! time falls behind: what was not reached is dropped, never made up for later, and the answer says
//! so ([`Behind`]). A frame that comes late (a hidden tab) counts as [`LONGEST_FRAME`] at most.

use std::collections::BTreeSet;

use super::speed::Speed;
use crate::base::{Duration, Time};
use crate::lesson::Moment;

/// Longest real time that one frame counts for.
pub const LONGEST_FRAME: Duration = Duration::from_millis(250);
/// Events that one frame takes at most, unless told otherwise.
pub const DEFAULT_BUDGET: u64 = 20_000;

/// What playback moves: the cluster, or a toy in tests.
pub trait World {
    /// The present moment.
    fn now(&self) -> Time;
    /// When the next event falls due.
    fn next_time(&self) -> Option<Time>;
    /// Takes the next event.
    fn step(&mut self);
    /// Makes `until` the present moment; no event falls due before it.
    fn advance_to(&mut self, until: Time);
    /// Number that the next thing that happens will have.
    fn next_number(&self) -> u64;
    /// The first moment worth stopping at among what happened from `number` on.
    fn moment_since(&self, number: u64, wanted: &BTreeSet<Moment>) -> Option<Moment>;
}

/// What can be asked of playback. A button, a key and a lesson all use these.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PlaybackCommand {
    /// Let time pass.
    Play,
    /// Stop time.
    Pause,
    /// The one or the other.
    TogglePlay,
    /// Let time pass at this speed from now on.
    SetSpeed(Speed),
    /// One step faster on the scale.
    Faster,
    /// One step slower on the scale.
    Slower,
    /// Stop time and take one event.
    StepEvent,
    /// Back to the beginning, with the journal emptied.
    Restart,
    /// Pause by itself at these moments.
    PauseOn(BTreeSet<Moment>),
    /// Pause by itself at this time; `None` forgets it.
    StopAt(Option<Time>),
    /// Take at most this many events a frame, at least one.
    SetBudget(u64),
}

/// Why time stopped by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// A moment worth stopping at.
    Moment(Moment),
    /// The time that was asked for.
    At(Time),
}

/// Simulated time fell behind during a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Behind {
    /// How far the frame should have come.
    pub wanted: Duration,
    /// How far it came.
    pub reached: Duration,
}

/// What became of a frame or a command.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PlaybackResponse {
    /// How much simulated time passed.
    pub advanced: Duration,
    /// How many events were taken.
    pub events: u64,
    /// Whether the machine could not keep up.
    pub behind: Option<Behind>,
    /// Whether time stopped by itself, and why.
    pub stopped: Option<Stop>,
    /// Whether anything on screen changed.
    pub needs_repaint: bool,
}

/// Playing or paused, how fast, and where to stop.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Playback {
    playing: bool,
    speed: Speed,
    pause_on: BTreeSet<Moment>,
    stop_at: Option<Time>,
    budget: u64,
    carry: u64,
    /// It stopped between two frames, and nobody was told yet.
    untold: Option<Stop>,
}

impl Default for Playback {
    fn default() -> Self {
        Self {
            playing: false,
            speed: Speed::REAL,
            pause_on: BTreeSet::new(),
            stop_at: None,
            budget: DEFAULT_BUDGET,
            carry: 0,
            untold: None,
        }
    }
}

/// A frame under way.
#[derive(Debug)]
pub struct Frame {
    from: Time,
    target: Time,
    events: u64,
    exhausted: bool,
    stopped: Option<Stop>,
}

impl Frame {
    /// Whether it may go on.
    fn is_over(&self) -> bool {
        self.exhausted || self.stopped.is_some()
    }
}

impl Playback {
    /// Whether time passes.
    pub fn is_playing(&self) -> bool {
        self.playing
    }

    /// How fast.
    pub fn speed(&self) -> Speed {
        self.speed
    }

    /// Time at which it pauses by itself.
    pub fn stop_at(&self) -> Option<Time> {
        self.stop_at
    }

    /// Does what is asked. [`PlaybackCommand::Restart`] is the session's part: it only pauses here.
    pub fn command(
        &mut self,
        command: PlaybackCommand,
        world: &mut impl World,
    ) -> PlaybackResponse {
        let before = (self.playing, self.speed);
        match command {
            PlaybackCommand::Play => self.playing = true,
            PlaybackCommand::Pause | PlaybackCommand::Restart => self.playing = false,
            PlaybackCommand::TogglePlay => self.playing = !self.playing,
            PlaybackCommand::SetSpeed(speed) => self.speed = speed,
            PlaybackCommand::Faster => self.speed = self.speed.faster(),
            PlaybackCommand::Slower => self.speed = self.speed.slower(),
            PlaybackCommand::StepEvent => return self.step_event(world),
            PlaybackCommand::PauseOn(moments) => self.pause_on = moments,
            PlaybackCommand::StopAt(at) => self.stop_at = at,
            PlaybackCommand::SetBudget(budget) => self.budget = budget.max(1),
        }
        if self.playing {
            self.untold = None;
        }
        let needs_repaint = before != (self.playing, self.speed);
        PlaybackResponse { needs_repaint, ..PlaybackResponse::default() }
    }

    fn step_event(&mut self, world: &mut impl World) -> PlaybackResponse {
        self.playing = false;
        let mut frame = self.begin(Duration::ZERO, world.now());
        if world.next_time().is_some() {
            self.take_event(&mut frame, world);
        }
        PlaybackResponse {
            advanced: world.now().since(frame.from),
            events: frame.events,
            behind: None,
            stopped: frame.stopped,
            needs_repaint: true,
        }
    }

    /// Begins a frame of `real` time. Without playing, the frame ends where it begins.
    pub fn begin(&mut self, real: Duration, now: Time) -> Frame {
        let real = real.min(LONGEST_FRAME);
        let span =
            if self.playing { self.speed.simulated(real, &mut self.carry) } else { Duration::ZERO };
        let mut target = now + span;
        if let Some(at) = self.stop_at.filter(|at| *at >= now) {
            target = target.min(at);
        }
        Frame { from: now, target, events: 0, exhausted: false, stopped: None }
    }

    /// Runs the frame up to `until`, not past its target. False when the frame is over.
    pub fn run(&mut self, frame: &mut Frame, until: Time, world: &mut impl World) -> bool {
        if !self.playing || frame.is_over() {
            return false;
        }
        let until = until.min(frame.target);
        while world.next_time().is_some_and(|at| at <= until) {
            if frame.events == self.budget {
                frame.exhausted = true;
                return false;
            }
            self.take_event(frame, world);
            if frame.is_over() {
                return false;
            }
        }
        world.advance_to(until);
        if self.stop_at.is_some_and(|at| world.now() >= at) {
            let at = self.stop_at.take().expect("checked in the line above");
            self.playing = false;
            frame.stopped = Some(Stop::At(at));
        }
        !frame.is_over() && until < frame.target
    }

    fn take_event(&mut self, frame: &mut Frame, world: &mut impl World) {
        let number = world.next_number();
        world.step();
        frame.events += 1;
        let found = self.awaited_since(number, world);
        if let Some(moment) = found {
            self.playing = false;
            frame.stopped = Some(Stop::Moment(moment));
        }
    }

    fn awaited_since(&self, number: u64, world: &impl World) -> Option<Moment> {
        if self.pause_on.is_empty() {
            return None;
        }
        world.moment_since(number, &self.pause_on)
    }

    /// Something was done to the world from outside, and what happened since `number` came of it at
    /// once. The frame under way, or the next one, tells that time stopped.
    pub fn acted(&mut self, number: u64, world: &impl World) {
        if !self.playing {
            return;
        }
        if let Some(moment) = self.awaited_since(number, world) {
            self.playing = false;
            self.untold = Some(Stop::Moment(moment));
        }
    }

    /// Ends the frame: what was not reached is dropped.
    pub fn finish(&mut self, frame: Frame, now: Time) -> PlaybackResponse {
        let reached = now.since(frame.from);
        let wanted = frame.target.since(frame.from);
        let stopped = frame.stopped.or(self.untold.take());
        PlaybackResponse {
            advanced: reached,
            events: frame.events,
            behind: frame.exhausted.then_some(Behind { wanted, reached }),
            stopped,
            needs_repaint: reached > Duration::ZERO || frame.events > 0 || stopped.is_some(),
        }
    }

    /// A whole frame of `real` time.
    pub fn update(&mut self, real: Duration, world: &mut impl World) -> PlaybackResponse {
        let mut frame = self.begin(real, world.now());
        let target = frame.target;
        while self.run(&mut frame, target, world) {}
        self.finish(frame, world.now())
    }
}

#[cfg(test)]
mod tests;
