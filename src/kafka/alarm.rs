//! One moving deadline over timers that cannot be cancelled: a client keeps its next deadline in
//! here, and few timers lie in the queue however often that changes.

use std::collections::BTreeSet;

use super::effect::{Out, Timer};
use crate::base::Time;

/// The timers of one process that have not fired yet.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Alarm {
    armed: BTreeSet<Time>,
}

impl Alarm {
    /// Makes sure that `timer` fires at `at` or before. A timer that fires early finds nothing to do
    /// and sets the alarm again.
    pub fn set(&mut self, out: &mut Out<'_>, at: Time, timer: Timer) {
        let at = at.max(out.now());
        if at != Time::NEVER && self.armed.first().is_none_or(|&first| at < first) {
            self.armed.insert(at);
            out.at(at, timer);
        }
    }

    /// A timer fired at `now`.
    pub fn rang(&mut self, now: Time) {
        self.armed = self.armed.split_off(&Time(now.0.saturating_add(1)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Rng;
    use crate::kafka::effect::{Counters, Effect};
    use crate::kafka::producer::ProducerTimer;

    #[test]
    fn a_far_deadline_that_comes_back_after_each_near_one_needs_no_new_timer() {
        let (mut rng, mut counters) = (Rng::stream(1, "alarm"), Counters::default());
        let mut alarm = Alarm::default();
        let mut effects = Vec::new();
        for step in 0..100 {
            let now = Time(step * 10);
            let mut out = Out::new(now, &mut effects, &mut rng, &mut counters);
            alarm.rang(now);
            alarm.set(&mut out, Time(30_000_000 + step), Timer::Producer(ProducerTimer::Wake));
            alarm.set(
                &mut out,
                now + crate::base::Duration(10),
                Timer::Producer(ProducerTimer::Wake),
            );
        }
        let far = effects.iter().filter(|e| matches!(e, Effect::Timer { at, .. } if at.0 > 10_000));
        assert_eq!(far.count(), 1);
        assert_eq!(effects.len(), 101);
    }
}
