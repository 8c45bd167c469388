//! Seeded randomness. One stream for each concern, derived from the master seed by label, so that
//! a new draw in one concern does not shift another.

use rand::SeedableRng as _;
use rand::rand_core::Rng as _;
use rand::rngs::Xoshiro256PlusPlus;

use super::hash::TraceHash;
use super::time::Duration;

/// A portable random stream: xoshiro256++ with our own sampling on top, because the sampling
/// functions of `rand` may change their values between minor versions.
#[derive(Clone, Debug)]
pub struct Rng(Xoshiro256PlusPlus);

impl Rng {
    /// The stream of concern `label` under the session's `seed`.
    pub fn stream(seed: u64, label: &str) -> Self {
        let mut hash = TraceHash::default();
        hash.bytes(label.as_bytes());
        Self(Xoshiro256PlusPlus::seed_from_u64(seed ^ hash.value()))
    }

    /// Sixty-four uniform bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in `0..bound`; `0` when `bound` is 0. Lemire's method without the rejection step:
    /// the bias is below 2^-32 for every bound the model uses.
    pub fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.bits()) * u128::from(bound);
        u64::try_from(product >> 64).expect("the high half of a 128-bit product fits 64 bits")
    }

    /// Uniform in `0..len` as an index.
    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).expect("an index below a length fits usize")
    }

    /// Uniform in `low..=high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// Uniform in `[0, 1)`, with 53 random bits.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True once in `denominator` draws out of `numerator`, on average.
    pub fn chance(&mut self, numerator: u64, denominator: u64) -> bool {
        self.below(denominator) < numerator
    }

    /// Exponentially distributed with mean `mean`; `libm` keeps the bits equal natively and in wasm.
    pub fn exponential(&mut self, mean: Duration) -> Duration {
        let factor = -libm::log(1.0 - self.unit());
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturating, non-negative"
        )]
        Duration((mean.0 as f64 * factor) as u64)
    }

    /// Uniform in `mean ± mean·percent/100`: Kafka's back-off jitter (KIP-580).
    pub fn jitter(&mut self, mean: Duration, percent: u64) -> Duration {
        let spread = mean.0 / 100 * percent;
        Duration(self.between(mean.0 - spread, mean.0 + spread))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_label_and_repeat_by_seed() {
        let draws = |seed, label: &str| {
            let mut rng = Rng::stream(seed, label);
            [rng.bits(), rng.bits()]
        };
        assert_eq!(draws(42, "network"), draws(42, "network"));
        assert_ne!(draws(42, "network"), draws(42, "workload"));
        assert_ne!(draws(42, "network"), draws(43, "network"));
    }

    #[test]
    fn an_exponential_draw_has_the_asked_mean() {
        let mut rng = Rng::stream(1, "mean");
        let mean = Duration::from_millis(10);
        let sum: u64 = (0..20_000).map(|_| rng.exponential(mean).0).sum();
        assert!((9_700..10_300).contains(&(sum / 20_000)), "mean was {}", sum / 20_000);
    }

    #[test]
    fn a_draw_below_a_bound_covers_it_and_stays_inside() {
        let mut rng = Rng::stream(7, "below");
        let mut seen = [0; 5];
        for _ in 0..1_000 {
            seen[rng.index(5)] += 1;
        }
        assert!(seen.iter().all(|&n| n > 100), "{seen:?}");
    }
}
