//! A task: goals that must hold together for a while, and wrong solutions that are answered.

use super::format::{Goal, WrongSolution};
use super::gauge::{Gauge, Probe};
use super::view::{GoalView, WhyNot};
use crate::base::{Duration, Time};

/// A wrong solution must stand this long before it is answered, so that nobody is told off half-way.
const PATIENCE: Duration = Duration::from_secs(2);

/// Since when a condition holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Held(Option<Time>);

impl Held {
    fn update(&mut self, holds: bool, now: Time) {
        self.0 = if holds { self.0.or(Some(now)) } else { None };
    }

    fn span(self, now: Time) -> Option<Duration> {
        self.0.map(|since| now.since(since))
    }
}

/// Goals and wrong solutions of a task under way.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Task {
    goals: Vec<Held>,
    wrong: Vec<Held>,
}

impl Task {
    pub(super) fn new(goals: usize, wrong: usize) -> Self {
        Self { goals: vec![Held::default(); goals], wrong: vec![Held::default(); wrong] }
    }

    /// Looks at the cluster. True when every goal is reached.
    pub(super) fn observe<A>(
        &mut self,
        goals: &[Goal],
        wrong: &[WrongSolution<A>],
        gauge: &Gauge,
        probe: &impl Probe,
    ) -> bool {
        let now = probe.now();
        for (held, goal) in self.goals.iter_mut().zip(goals) {
            held.update(gauge.holds(&goal.condition, probe), now);
        }
        for (held, wrong) in self.wrong.iter_mut().zip(wrong) {
            held.update(wrong.when.iter().all(|condition| gauge.holds(condition, probe)), now);
        }
        self.goals.iter().zip(goals).all(|(held, goal)| is_met(*held, goal, now))
    }

    /// The first wrong solution that has stood long enough.
    pub(super) fn wrong(&self, now: Time) -> Option<usize> {
        self.wrong.iter().position(|held| held.span(now).is_some_and(|span| span >= PATIENCE))
    }

    /// The goals as they stand.
    pub(super) fn view(&self, goals: &[Goal], gauge: &Gauge, probe: &impl Probe) -> Vec<GoalView> {
        let view = |(held, goal): (&Held, &Goal)| goal_view(*held, goal, gauge, probe);
        self.goals.iter().zip(goals).map(view).collect()
    }
}

fn is_met(held: Held, goal: &Goal, now: Time) -> bool {
    held.span(now).is_some_and(|span| span >= Duration::from_millis(goal.for_ms))
}

fn goal_view(held: Held, goal: &Goal, gauge: &Gauge, probe: &impl Probe) -> GoalView {
    let now = probe.now();
    let met = is_met(held, goal, now);
    let value = gauge.text(&goal.condition.measure, probe);
    let whole = Duration::from_millis(goal.for_ms);
    let (fraction, why_not) = match held.span(now) {
        _ if met => (1.0, None),
        Some(span) => {
            let share = span.as_secs_f64() / whole.as_secs_f64().max(1e-6);
            (0.5 + share / 2.0, Some(WhyNot::Holds { for_now: span, of: whole }))
        }
        None => {
            let why = match &goal.why_not {
                Some(text) => WhyNot::Told(gauge.fill_line(text, probe)),
                None => gauge.bounds(&goal.condition),
            };
            (gauge.nearness(&goal.condition, probe) / 2.0, Some(why))
        }
    };
    GoalView { text: gauge.fill_line(&goal.text, probe), value, fraction, met, why_not }
}
