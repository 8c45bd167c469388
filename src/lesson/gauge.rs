//! Measures read from a run: numbers for goals, choices and texts, and how they are written.

use std::collections::BTreeMap;

use super::format::{Block, Condition, Inline, Measure, Quantity, When};
use super::view::WhyNot;
use crate::base::{Time, grouped};

/// Something that measures can be read from: a cluster, or a table in tests.
pub trait Probe {
    /// The present moment.
    fn now(&self) -> Time;
    /// The number, counted from the session's beginning; `None` if there is nothing to measure, as
    /// with a group that does not exist.
    fn read(&self, measure: &Measure) -> Option<f64>;
}

/// A lesson's measures, with where they stood when the present step began and what texts quote.
#[derive(Clone, PartialEq, Debug)]
pub struct Gauge {
    measures: BTreeMap<String, Measure>,
    step_began: Time,
    baselines: BTreeMap<String, f64>,
    kept: BTreeMap<(When, String), String>,
}

impl Gauge {
    /// A gauge of these measures; `since_step` counts from the session's beginning until
    /// [`Self::begin_step`].
    pub fn new(measures: BTreeMap<String, Measure>) -> Self {
        Self { measures, step_began: Time::ZERO, baselines: BTreeMap::new(), kept: BTreeMap::new() }
    }

    /// From now on `since_step` counts from here.
    pub fn begin_step(&mut self, probe: &impl Probe) {
        self.step_began = probe.now();
        let counts = |measure: &Measure| measure.since_step && measure.window_ms.is_none();
        let relative = self.measures.iter().filter(|(_, measure)| counts(measure));
        self.baselines = relative
            .map(|(name, measure)| (name.clone(), probe.read(measure).unwrap_or(0.0)))
            .collect();
    }

    /// Keeps the present numbers for texts that quote `when`.
    pub fn keep(&mut self, when: When, probe: &impl Probe) {
        for name in self.measures.keys() {
            let text = self.text(name, probe);
            self.kept.insert((when, name.clone()), text);
        }
    }

    /// What the measure with that name counts.
    pub fn quantity(&self, name: &str) -> Option<Quantity> {
        self.measures.get(name).map(|measure| measure.of)
    }

    /// The number of the measure with that name.
    pub fn read(&self, name: &str, probe: &impl Probe) -> Option<f64> {
        let measure = self.measures.get(name)?;
        let Some(window) = measure.window_ms.filter(|_| measure.since_step) else {
            let value = probe.read(measure)?;
            return Some(value - self.baselines.get(name).copied().unwrap_or(0.0));
        };
        // The window reaches back to the beginning of the step at most.
        let window_ms = Some(window.min(probe.now().since(self.step_began).as_millis()));
        probe.read(&Measure { window_ms, ..measure.clone() })
    }

    /// Whether the condition holds; what cannot be measured does not hold.
    pub fn holds(&self, condition: &Condition, probe: &impl Probe) -> bool {
        let Some(value) = self.read(&condition.measure, probe) else { return false };
        condition.at_least.is_none_or(|bound| value >= bound)
            && condition.at_most.is_none_or(|bound| value <= bound)
    }

    /// How near the condition is to holding, 0 to 1.
    pub fn nearness(&self, condition: &Condition, probe: &impl Probe) -> f64 {
        let Some(value) = self.read(&condition.measure, probe) else { return 0.0 };
        let low = condition.at_least.filter(|bound| value < *bound).map(|bound| value / bound);
        let high = condition.at_most.filter(|bound| value > *bound).map(|bound| bound / value);
        low.or(high).unwrap_or(1.0).clamp(0.0, 1.0)
    }

    /// The number as text, `–` if there is none.
    pub fn text(&self, name: &str, probe: &impl Probe) -> String {
        let (Some(measure), Some(value)) = (self.measures.get(name), self.read(name, probe)) else {
            return "–".to_owned();
        };
        show(measure.of, value)
    }

    /// The bounds of the condition, as the measure is written.
    pub(super) fn bounds(&self, condition: &Condition) -> WhyNot {
        let of = self.quantity(&condition.measure);
        let show = |bound: Option<f64>| Some(show(of?, bound?));
        WhyNot::Bounds { at_least: show(condition.at_least), at_most: show(condition.at_most) }
    }

    /// The blocks with all numbers filled in.
    pub fn fill(&self, blocks: &[Block], probe: &impl Probe) -> Vec<Block> {
        let fill = |block: &Block| match block {
            Block::Paragraph(line) => Block::Paragraph(self.fill_line(line, probe)),
            Block::List { ordered, items } => Block::List {
                ordered: *ordered,
                items: items.iter().map(|item| self.fill_line(item, probe)).collect(),
            },
            Block::Code(code) => Block::Code(code.clone()),
        };
        blocks.iter().map(fill).collect()
    }

    /// The line with all numbers filled in.
    pub fn fill_line(&self, line: &[Inline], probe: &impl Probe) -> Vec<Inline> {
        let fill = |piece: &Inline| match piece {
            Inline::Strong(inner) => Inline::Strong(self.fill_line(inner, probe)),
            Inline::Emphasis(inner) => Inline::Emphasis(self.fill_line(inner, probe)),
            Inline::Measured { when: When::Now, name } => Inline::Text(self.text(name, probe)),
            Inline::Measured { when, name } => {
                let kept = self.kept.get(&(*when, name.clone()));
                Inline::Text(kept.cloned().unwrap_or_else(|| "–".to_owned()))
            }
            Inline::Text(_) | Inline::Code(_) => piece.clone(),
        };
        line.iter().map(fill).collect()
    }
}

/// A number as people write it: `412`, `12 045`, `9.6`, `83 %`.
fn show(of: Quantity, value: f64) -> String {
    match of {
        Quantity::LagShare => format!("{value:.0} %"),
        Quantity::FinishedPerRecord | Quantity::Seconds => format!("{value:.1}"),
        Quantity::FinishedRate | Quantity::AckedRate if value < 10.0 => {
            format!("{value:.1}").trim_end_matches(".0").to_owned()
        }
        _ => grouped(&format!("{value:.0}")),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::base::Duration;

    /// A run that is a table.
    #[derive(Clone, Default)]
    pub(crate) struct Table {
        pub(crate) now: Time,
        pub(crate) values: BTreeMap<Quantity, f64>,
    }

    impl Table {
        pub(crate) fn set(&mut self, of: Quantity, value: f64) {
            self.values.insert(of, value);
        }

        pub(crate) fn pass(&mut self, millis: u64) {
            self.now += Duration::from_millis(millis);
        }
    }

    impl Probe for Table {
        fn now(&self) -> Time {
            self.now
        }
        fn read(&self, measure: &Measure) -> Option<f64> {
            self.values.get(&measure.of).copied()
        }
    }

    pub(crate) fn measure(of: Quantity) -> Measure {
        Measure {
            of,
            group: None,
            topic: None,
            partition: None,
            except_partition: None,
            window_ms: None,
            since_step: false,
        }
    }

    fn gauge() -> Gauge {
        let lost = Measure { since_step: true, ..measure(Quantity::AckedLost) };
        let measures = [("lag".to_owned(), measure(Quantity::Lag)), ("lost".to_owned(), lost)];
        Gauge::new(measures.into())
    }

    fn condition(at_least: Option<f64>, at_most: Option<f64>) -> Condition {
        Condition { measure: "lag".to_owned(), at_least, at_most }
    }

    #[test]
    fn a_bound_itself_still_holds() {
        let mut table = Table::default();
        table.set(Quantity::Lag, 100.0);
        let holds = |low, high| gauge().holds(&condition(low, high), &table);
        assert!(holds(None, Some(100.0)) && holds(Some(100.0), None));
        assert!(!holds(None, Some(99.0)) && !holds(Some(101.0), None));
    }

    #[test]
    fn what_cannot_be_measured_does_not_hold() {
        let table = Table::default();
        assert!(!gauge().holds(&condition(None, Some(1e9)), &table));
        assert_eq!(gauge().text("lag", &table), "–");
    }

    #[test]
    fn a_count_since_the_step_forgets_what_was_before() {
        let mut table = Table::default();
        let mut gauge = gauge();
        table.set(Quantity::AckedLost, 7.0);
        gauge.begin_step(&table);
        table.set(Quantity::AckedLost, 9.0);
        assert_eq!(gauge.text("lost", &table), "2");
    }

    /// A run that tells how long the window was that it was asked for.
    struct Windows(Time);

    impl Probe for Windows {
        fn now(&self) -> Time {
            self.0
        }
        fn read(&self, measure: &Measure) -> Option<f64> {
            measure.window_ms.map(|window| window as f64)
        }
    }

    #[test]
    fn a_window_since_the_step_reaches_back_to_its_beginning_at_most() {
        let lost =
            Measure { since_step: true, window_ms: Some(30_000), ..measure(Quantity::AckedLost) };
        let mut gauge = Gauge::new([("lost".to_owned(), lost)].into());
        gauge.begin_step(&Windows(Time(50_000_000)));
        assert_eq!(gauge.text("lost", &Windows(Time(57_000_000))), "7000");
        assert_eq!(gauge.text("lost", &Windows(Time(99_000_000))), "30\u{2009}000");
    }

    #[test]
    fn a_text_keeps_the_numbers_of_its_moment() {
        let mut table = Table::default();
        let mut gauge = gauge();
        table.set(Quantity::Lag, 12_345.0);
        gauge.keep(When::Observed, &table);
        table.set(Quantity::Lag, 5.0);
        let piece = |when| Inline::Measured { when, name: "lag".to_owned() };
        let line = [Inline::Strong(vec![piece(When::Observed)]), piece(When::Now)];
        let text = |text: &str| Inline::Text(text.to_owned());
        let expected = vec![Inline::Strong(vec![text("12\u{2009}345")]), text("5")];
        assert_eq!(gauge.fill_line(&line, &table), expected);
    }

    #[test]
    fn nearness_grows_towards_the_bound_from_either_side() {
        let near = |value, low, high| {
            let mut table = Table::default();
            table.set(Quantity::Lag, value);
            gauge().nearness(&condition(low, high), &table)
        };
        assert!(near(400.0, None, Some(100.0)) < near(200.0, None, Some(100.0)));
        assert!(near(10.0, Some(50.0), None) < near(40.0, Some(50.0), None));
        assert!((near(50.0, Some(50.0), None) - 1.0).abs() < 1e-9);
    }
}
