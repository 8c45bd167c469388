//! Playback, stepped frame by frame over a toy world.

use super::*;

const FRAME: Duration = Duration::from_millis(16);

/// Something happens every `every`; every `moment_every`-th event is an election.
struct Toy {
    now: Time,
    every: Duration,
    taken: u64,
    moment_every: u64,
}

impl Toy {
    fn new(every: Duration) -> Self {
        Self { now: Time::ZERO, every, taken: 0, moment_every: u64::MAX }
    }
}

impl World for Toy {
    fn now(&self) -> Time {
        self.now
    }
    fn next_time(&self) -> Option<Time> {
        Some(Time::ZERO + self.every * (self.taken + 1))
    }
    fn step(&mut self) {
        self.now = Time::ZERO + self.every * (self.taken + 1);
        self.taken += 1;
    }
    fn advance_to(&mut self, until: Time) {
        self.now = self.now.max(until);
    }
    fn next_number(&self) -> u64 {
        self.taken
    }
    fn moment_since(&self, number: u64, wanted: &BTreeSet<Moment>) -> Option<Moment> {
        let reached = (number + 1..=self.taken).any(|n| n.is_multiple_of(self.moment_every));
        (reached && wanted.contains(&Moment::Election)).then_some(Moment::Election)
    }
}

fn playing(speed: f64) -> Playback {
    Playback { playing: true, speed: Speed::near(speed), ..Playback::default() }
}

fn command(playback: &mut Playback, command: PlaybackCommand, toy: &mut Toy) -> PlaybackResponse {
    playback.command(command, toy)
}

#[test]
fn paused_no_time_passes_and_nothing_needs_painting() {
    let mut toy = Toy::new(Duration::from_millis(1));
    let response = Playback::default().update(FRAME, &mut toy);
    assert_eq!(response, PlaybackResponse::default());
    assert_eq!(toy.now, Time::ZERO);
}

#[test]
fn at_real_speed_a_second_of_frames_is_a_second() {
    let mut toy = Toy::new(Duration::from_millis(1));
    let mut playback = playing(1.0);
    let frames: Vec<_> =
        (0..100).map(|_| playback.update(Duration::from_millis(10), &mut toy)).collect();
    assert_eq!(toy.now, Time(1_000_000));
    assert_eq!(frames.iter().map(|frame| frame.events).sum::<u64>(), 1_000);
    assert!(frames.iter().all(|frame| frame.behind.is_none()));
}

#[test]
fn at_a_thousandth_the_picture_moves_between_two_events() {
    let mut toy = Toy::new(Duration::from_millis(1));
    let response = playing(0.001).update(FRAME, &mut toy);
    assert_eq!((response.events, response.advanced), (0, Duration(16)));
    assert!(response.needs_repaint);
}

#[test]
fn time_falls_behind_and_says_so_when_a_frame_holds_too_many_events() {
    let mut toy = Toy::new(Duration(10));
    let mut playback = playing(100.0);
    let _response = command(&mut playback, PlaybackCommand::SetBudget(500), &mut toy);
    let response = playback.update(Duration::from_millis(10), &mut toy);
    assert_eq!(response.events, 500);
    let behind = Behind { wanted: Duration::from_secs(1), reached: Duration(5_000) };
    assert_eq!(response.behind, Some(behind));
    // What was missed is not made up for: a slower frame keeps to its own length.
    let _response = command(&mut playback, PlaybackCommand::SetSpeed(Speed::REAL), &mut toy);
    let next = playback.update(Duration::from_millis(1), &mut toy);
    assert_eq!((next.behind, next.advanced), (None, Duration::from_millis(1)));
}

#[test]
fn a_frame_exactly_as_long_as_its_budget_is_not_behind() {
    let mut toy = Toy::new(Duration::from_millis(1));
    let mut playback = playing(1.0);
    let _response = command(&mut playback, PlaybackCommand::SetBudget(10), &mut toy);
    let response = playback.update(Duration::from_millis(10), &mut toy);
    assert_eq!((response.events, response.behind), (10, None));
}

#[test]
fn a_hidden_tab_does_not_make_time_jump() {
    let mut toy = Toy::new(Duration::from_millis(1));
    let _response = playing(1.0).update(Duration::from_secs(3_600), &mut toy);
    assert_eq!(toy.now, Time::ZERO + LONGEST_FRAME);
}

#[test]
fn a_step_takes_one_event_and_pauses() {
    let mut toy = Toy::new(Duration::from_millis(7));
    let mut playback = playing(1.0);
    let response = command(&mut playback, PlaybackCommand::StepEvent, &mut toy);
    assert_eq!((response.events, response.advanced), (1, Duration::from_millis(7)));
    assert!(!playback.is_playing());
}

#[test]
fn it_pauses_at_the_very_event_it_was_told_to_wait_for() {
    let mut toy = Toy { moment_every: 5, ..Toy::new(Duration::from_millis(1)) };
    let mut playback = playing(1.0);
    let wait = PlaybackCommand::PauseOn([Moment::Election].into());
    let _response = command(&mut playback, wait, &mut toy);
    let response = playback.update(FRAME, &mut toy);
    assert_eq!(response.stopped, Some(Stop::Moment(Moment::Election)));
    assert_eq!((toy.now, playback.is_playing()), (Time(5_000), false));
    // Playing on passes it and stops at the next.
    let _response = command(&mut playback, PlaybackCommand::Play, &mut toy);
    let _response = playback.update(FRAME, &mut toy);
    assert_eq!(toy.now, Time(10_000));
}

#[test]
fn moments_nobody_asked_for_pass() {
    let mut toy = Toy { moment_every: 5, ..Toy::new(Duration::from_millis(1)) };
    let mut playback = playing(1.0);
    let wait = PlaybackCommand::PauseOn([Moment::Rebalance].into());
    let _response = command(&mut playback, wait, &mut toy);
    let _response = playback.update(FRAME, &mut toy);
    assert_eq!((toy.now, playback.is_playing()), (Time(16_000), true));
}

#[test]
fn it_stops_at_the_time_it_was_given_once() {
    let mut toy = Toy::new(Duration::from_millis(5));
    let mut playback = playing(1.0);
    let stop = PlaybackCommand::StopAt(Some(Time(12_000)));
    let _response = command(&mut playback, stop, &mut toy);
    let response = playback.update(FRAME, &mut toy);
    assert_eq!(response.stopped, Some(Stop::At(Time(12_000))));
    assert_eq!((toy.now, playback.stop_at()), (Time(12_000), None));
}

#[test]
fn a_frame_can_be_run_in_slices_with_the_same_result() {
    let mut whole = Toy::new(Duration::from_millis(3));
    let mut sliced = Toy::new(Duration::from_millis(3));
    let expected = playing(1.0).update(Duration::from_millis(100), &mut whole);
    let mut playback = playing(1.0);
    let mut frame = playback.begin(Duration::from_millis(100), sliced.now);
    let mut until = sliced.now;
    loop {
        until += Duration::from_millis(10);
        if !playback.run(&mut frame, until, &mut sliced) {
            break;
        }
    }
    assert_eq!(playback.finish(frame, sliced.now), expected);
    assert_eq!((sliced.now, sliced.taken), (whole.now, whole.taken));
}
