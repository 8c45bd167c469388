//! When the application calls `send()`, and with which key: the workload turned into moments.
//!
//! Records stand at the whole numbers of the integral of the rate (at the points of a unit Poisson
//! process for [`Rate::Poisson`]), so a change of the rate takes effect at once and no rounding adds
//! up. What is left of the present gap survives a change of the workload.

use std::rc::Rc;

use super::workload::{Keys, Rate};
use crate::base::{Duration, Rng, Time};

/// The next record of a workload.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Schedule {
    rate: Rate,
    /// When the rate took effect.
    since: Time,
    /// Integral of the rate, from `since` on, at which the next record is due.
    target: f64,
    due: Time,
}

impl Schedule {
    /// Begins at `now`, somewhere within the first gap: producers started together do not send in
    /// step.
    pub(super) fn new(rate: Rate, now: Time, rng: &mut Rng) -> Self {
        let mut schedule = Self { rate, since: now, target: 0.0, due: Time::NEVER };
        schedule.target = match rate {
            Rate::Poisson { .. } => schedule.gap(rng),
            _ => 1.0 - rng.unit(),
        };
        schedule.find_due();
        schedule
    }

    /// When the next record is due; [`Time::NEVER`] if none is.
    pub(super) fn due(&self) -> Time {
        self.due
    }

    /// Rate at `now`, in records per second.
    pub(super) fn per_second(&self, now: Time) -> f64 {
        self.rate.per_second(now.since(self.since))
    }

    /// The record that was due has been sent; the next follows one gap later.
    pub(super) fn advance(&mut self, rng: &mut Rng) {
        self.target += self.gap(rng);
        self.find_due();
    }

    /// The application was held up until `now`: what was due meanwhile is not made up for.
    pub(super) fn resume(&mut self, now: Time, rng: &mut Rng) {
        let passed = self.rate.integral(now.since(self.since));
        if self.target < passed {
            self.target = passed + self.gap(rng);
            self.find_due();
        }
    }

    /// Another rate from `now` on.
    pub(super) fn change(&mut self, rate: Rate, now: Time) {
        let passed = self.rate.integral(now.since(self.since));
        let left = (self.target - passed).max(0.0);
        *self = Self { rate, since: now, target: left, due: Time::NEVER };
        self.find_due();
    }

    fn gap(&self, rng: &mut Rng) -> f64 {
        match self.rate {
            Rate::Poisson { .. } => -libm::log(1.0 - rng.unit()),
            _ => 1.0,
        }
    }

    fn find_due(&mut self) {
        self.due = self.rate.reaches(self.target).map_or(Time::NEVER, |span| self.since + span);
    }
}

impl Rate {
    /// The rate as pieces `(seconds, rate at the start, rate at the end)`; the last has no end.
    fn pieces(self) -> [(f64, f64, f64); 3] {
        const FOR_EVER: f64 = f64::INFINITY;
        let secs = |millis: u64| Duration::from_millis(millis).as_secs_f64();
        match self {
            Self::Off => [(FOR_EVER, 0.0, 0.0); 3],
            Self::Constant { per_second } | Self::Poisson { per_second } => {
                [(FOR_EVER, per_second, per_second); 3]
            }
            Self::Spike { base, peak, at_ms, for_ms } => {
                [(secs(at_ms), base, base), (secs(for_ms), peak, peak), (FOR_EVER, base, base)]
            }
            Self::Ramp { from, to, over_ms } => {
                [(secs(over_ms), from, to), (FOR_EVER, to, to), (FOR_EVER, to, to)]
            }
        }
    }

    /// Records due within `span` from the start, with fractions.
    fn integral(self, span: Duration) -> f64 {
        let mut left = span.as_secs_f64();
        let mut sum = 0.0;
        for (length, from, to) in self.pieces() {
            let part = left.min(length);
            let slope = if length.is_finite() && length > 0.0 { (to - from) / length } else { 0.0 };
            sum += from * part + slope * part * part / 2.0;
            left -= part;
            if left <= 0.0 {
                break;
            }
        }
        sum
    }

    /// When [`Self::integral`] reaches `target`; `None` if it never does.
    fn reaches(self, target: f64) -> Option<Duration> {
        let mut left = target;
        let mut start = 0.0;
        for (length, from, to) in self.pieces() {
            let content =
                if length.is_finite() { length * f64::midpoint(from, to) } else { f64::INFINITY };
            if left > content {
                left -= content;
                start += length;
                continue;
            }
            let slope = if length.is_finite() && length > 0.0 { (to - from) / length } else { 0.0 };
            // Solves from*t + slope*t²/2 = left, in the form that stays exact for a small slope.
            let root = libm::sqrt((from * from + 2.0 * slope * left).max(0.0));
            let part = 2.0 * left / (from + root);
            let micros = (start + part) * 1e6;
            if !micros.is_finite() || micros >= 9e15 {
                return None;
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "finite, non-negative and below 2^53"
            )]
            return Some(Duration(libm::ceil(micros) as u64));
        }
        None
    }
}

/// Chooses the keys of generated records.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct KeyChooser {
    keys: Keys,
    /// The keys, when there are few enough to keep: equal keys then share their bytes.
    known: Rc<[Rc<[u8]>]>,
    /// For Zipf: sum of the weights up to and including each key.
    cumulative: Rc<[f64]>,
}

/// Above this number of keys each record makes its own.
const KEPT_KEYS: u32 = 10_000;

impl KeyChooser {
    pub(super) fn new(keys: Keys) -> Self {
        let count = match keys {
            Keys::None => 0,
            Keys::Uniform { count } | Keys::Zipf { count, .. } => count,
        };
        let known =
            if count <= KEPT_KEYS { (0..count).map(key_bytes).collect() } else { Rc::default() };
        let cumulative = match keys {
            Keys::Zipf { count, exponent } => (1..=count)
                .scan(0.0, |sum, rank| {
                    *sum += libm::pow(f64::from(rank), -exponent);
                    Some(*sum)
                })
                .collect(),
            Keys::None | Keys::Uniform { .. } => Rc::default(),
        };
        Self { keys, known, cumulative }
    }

    /// The key of the next record.
    pub(super) fn next(&self, rng: &mut Rng) -> Option<Rc<[u8]>> {
        let index = match self.keys {
            Keys::None => return None,
            Keys::Uniform { count } => rng.below(u64::from(count)),
            Keys::Zipf { .. } => {
                let point = rng.unit() * self.cumulative.last().copied().unwrap_or(0.0);
                self.cumulative.partition_point(|&sum| sum <= point) as u64
            }
        };
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let known = usize::try_from(index).ok().and_then(|index| self.known.get(index));
        Some(known.cloned().unwrap_or_else(|| key_bytes(index)))
    }
}

fn key_bytes(index: u32) -> Rc<[u8]> {
    format!("key-{index}").into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent_within(rate: Rate, span: Duration) -> Vec<Time> {
        let mut rng = Rng::stream(5, "schedule");
        let mut schedule = Schedule::new(rate, Time::ZERO, &mut rng);
        let mut sent = Vec::new();
        while schedule.due() < Time::ZERO + span {
            sent.push(schedule.due());
            schedule.advance(&mut rng);
        }
        sent
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_minute_of_each_kind_of_rate_holds_the_asked_number_of_records() {
        let count = |rate| sent_within(rate, MINUTE).len();
        assert_eq!(count(Rate::Off), 0);
        assert_eq!(count(Rate::Constant { per_second: 0.0 }), 0);
        assert_eq!(count(Rate::Constant { per_second: 50.0 }), 3_000);
        // Mean 6,000; four standard deviations are 310.
        assert!((5_690..6_310).contains(&count(Rate::Poisson { per_second: 100.0 })));
        let spike = Rate::Spike { base: 10.0, peak: 200.0, at_ms: 20_000, for_ms: 5_000 };
        assert_eq!(count(spike), 550 + 1_000);
        let ramp = Rate::Ramp { from: 0.0, to: 100.0, over_ms: 40_000 };
        assert_eq!(count(ramp), 2_000 + 2_000);
        assert_eq!(count(Rate::Ramp { from: 100.0, to: 0.0, over_ms: 40_000 }), 2_000);
    }

    #[test]
    fn records_of_a_constant_rate_are_equally_far_apart() {
        let sent = sent_within(Rate::Constant { per_second: 3.0 }, MINUTE);
        assert!(sent.windows(2).all(|pair| pair[1].since(pair[0]).0.abs_diff(333_333) <= 1));
    }

    #[test]
    fn a_spike_begins_on_time_even_after_nothing() {
        let spike = Rate::Spike { base: 0.0, peak: 100.0, at_ms: 30_000, for_ms: 1_000 };
        let sent = sent_within(spike, MINUTE);
        assert_eq!(sent.len(), 100);
        assert!(sent.iter().all(|at| (30_000..=31_000).contains(&at.as_millis())), "{sent:?}");
    }

    #[test]
    fn moving_the_rate_often_neither_holds_records_back_nor_adds_any() {
        let mut rng = Rng::stream(5, "schedule");
        let mut schedule = Schedule::new(Rate::Constant { per_second: 1.0 }, Time::ZERO, &mut rng);
        let mut sent = 0;
        for tick in 1..=600_u64 {
            let now = Time(tick * 100_000);
            while schedule.due() <= now {
                sent += 1;
                schedule.advance(&mut rng);
            }
            schedule.change(Rate::Constant { per_second: 1.0 }, now);
        }
        assert!((59..=61).contains(&sent), "{sent}");
    }

    #[test]
    fn what_was_due_while_the_application_was_held_up_is_not_made_up_for() {
        let mut rng = Rng::stream(5, "schedule");
        let mut schedule = Schedule::new(Rate::Constant { per_second: 10.0 }, Time::ZERO, &mut rng);
        let now = Time(5_000_000);
        schedule.resume(now, &mut rng);
        assert_eq!(schedule.due(), Time(5_100_000));
    }

    #[test]
    fn zipf_keys_fall_off_with_their_rank_and_uniform_ones_do_not() {
        let count = |keys, wanted: &str| {
            let chooser = KeyChooser::new(keys);
            let mut rng = Rng::stream(9, "keys");
            let key = Some(Rc::from(wanted.as_bytes()));
            (0..10_000).filter(|_| chooser.next(&mut rng) == key).count()
        };
        let zipf = Keys::Zipf { count: 100, exponent: 1.0 };
        // The harmonic number of 100 is 5.19: the first key has 19.3 %, the tenth a tenth of that.
        assert!((1_780..2_080).contains(&count(zipf, "key-0")));
        assert!((140..250).contains(&count(zipf, "key-9")));
        assert!((60..140).contains(&count(Keys::Uniform { count: 100 }, "key-0")));
        assert_eq!(KeyChooser::new(Keys::None).next(&mut Rng::stream(1, "keys")), None);
    }
}
