//! Making a case that fails smaller while it still fails: fewer actions, clients, topics, brokers, settings.

use super::{Case, End};
use crate::base::Duration;
use crate::cluster::scenario::Settings;

/// A case that is being made smaller.
struct Shrinker<F> {
    best: Case,
    tries: u32,
    still_fails: F,
}

/// Makes `case` smaller as long as `still_fails` says so of what is left, with at most `tries` questions.
pub fn shrink(case: Case, tries: u32, still_fails: impl FnMut(&Case) -> bool) -> Case {
    let mut shrinker = Shrinker { best: case, tries, still_fails };
    loop {
        let before = shrinker.best.clone();
        shrinker.actions();
        shrinker.clients();
        shrinker.cluster();
        shrinker.settings();
        if shrinker.best == before || shrinker.tries == 0 {
            return shrinker.best;
        }
    }
}

impl<F: FnMut(&Case) -> bool> Shrinker<F> {
    /// Keeps the change if the case differs and still fails.
    fn attempt(&mut self, change: impl FnOnce(&mut Case)) -> bool {
        let mut smaller = self.best.clone();
        change(&mut smaller);
        if smaller == self.best || self.tries == 0 {
            return false;
        }
        self.tries -= 1;
        let fails = (self.still_fails)(&smaller);
        if fails {
            self.best = smaller;
        }
        fails
    }

    /// Takes away runs of items, long ones first. `take` removes `count` items from `at` on.
    fn thin_out(&mut self, len: impl Fn(&Case) -> usize, take: impl Fn(&mut Case, usize, usize)) {
        let mut count = len(&self.best);
        while count > 0 {
            let mut at = 0;
            while at < len(&self.best) {
                let end = (at + count).min(len(&self.best));
                if !self.attempt(|case| take(case, at, end)) {
                    at = end;
                }
            }
            count /= 2;
        }
    }

    fn actions(&mut self) {
        self.thin_out(
            |case| case.actions.len(),
            |case, from, to| drop(case.actions.drain(from..to)),
        );
        self.thin_out(
            |case| case.scenario.actions.len(),
            |case, from, to| drop(case.scenario.actions.drain(from..to)),
        );
        let mend_soon = |case: &mut Case| {
            let last = case.actions.last().map_or(Duration::ZERO, |planned| planned.at);
            if let End::Mended { at, .. } = &mut case.end {
                *at = last + Duration::from_millis(100);
            }
        };
        self.attempt(mend_soon);
    }

    fn clients(&mut self) {
        self.thin_out(
            |case| case.scenario.producers.len(),
            |case, from, to| drop(case.scenario.producers.drain(from..to)),
        );
        self.thin_out(
            |case| case.scenario.consumers.len(),
            |case, from, to| drop(case.scenario.consumers.drain(from..to)),
        );
        for i in 0..self.best.scenario.producers.len() {
            self.attempt(|case| case.scenario.producers[i].count = 1);
        }
        for i in 0..self.best.scenario.consumers.len() {
            self.attempt(|case| case.scenario.consumers[i].count = 1);
            self.attempt(|case| case.scenario.consumers[i].max_messages = None);
        }
    }

    fn cluster(&mut self) {
        self.thin_out(
            |case| case.scenario.topics.len(),
            |case, from, to| drop(case.scenario.topics.drain(from..to)),
        );
        for i in 0..self.best.scenario.topics.len() {
            self.attempt(|case| case.scenario.topics[i].assignment = None);
            while self.attempt(|case| {
                let partitions = &mut case.scenario.topics[i].partitions;
                *partitions = (*partitions / 2).max(1);
            }) {}
            while self.attempt(|case| {
                let factor = &mut case.scenario.topics[i].replication_factor;
                *factor = (*factor - 1).max(1);
            }) {}
        }
        while self.attempt(|case| case.scenario.brokers = (case.scenario.brokers - 1).max(1)) {}
        self.attempt(|case| case.scenario.combined = false);
        self.attempt(|case| case.scenario.controllers = 1);
        self.attempt(|case| case.scenario.quotas.clear());
        self.attempt(|case| case.scenario.group_config.clear());
        self.attempt(|case| case.scenario.racks.clear());
        self.attempt(|case| case.scenario.network = None);
    }

    fn settings(&mut self) {
        self.drop_settings(&|case| Some(&mut case.scenario.broker_config));
        for i in 0..self.best.scenario.topics.len() {
            self.drop_settings(&|case| {
                case.scenario.topics.get_mut(i).map(|topic| &mut topic.config)
            });
        }
        for i in 0..self.best.scenario.producers.len() {
            self.drop_settings(&|case| {
                case.scenario.producers.get_mut(i).map(|producer| &mut producer.config)
            });
        }
        for i in 0..self.best.scenario.consumers.len() {
            self.drop_settings(&|case| {
                case.scenario.consumers.get_mut(i).map(|consumer| &mut consumer.config)
            });
        }
    }

    fn drop_settings(&mut self, settings: &dyn Fn(&mut Case) -> Option<&mut Settings>) {
        let keys: Vec<String> = settings(&mut self.best.clone())
            .map(|settings| settings.keys().cloned().collect())
            .unwrap_or_default();
        let all_at_once = self.attempt(|case| {
            if let Some(settings) = settings(case) {
                settings.clear();
            }
        });
        for key in keys.iter().filter(|_| !all_at_once) {
            self.attempt(|case| {
                if let Some(settings) = settings(case) {
                    settings.remove(key);
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Action;
    use crate::swarm::case;

    #[test]
    fn what_a_failure_does_not_need_is_taken_away() {
        let seed = (0..100).find(|seed| case(*seed).actions.len() > 8).unwrap();
        let mut big = case(seed);
        let wanted = Action::CrashBroker { broker: 2, lose_disk: false };
        big.actions[5].action = wanted.clone();
        let fails = |case: &Case| case.actions.iter().any(|planned| planned.action == wanted);
        let small = shrink(big, 1_000, fails);
        assert_eq!(small.actions.len(), 1);
        let scenario = &small.scenario;
        assert_eq!((scenario.brokers, scenario.topics.len(), scenario.producers.len()), (1, 0, 0));
        assert!(scenario.consumers.is_empty() && scenario.broker_config.is_empty());
    }

    #[test]
    fn it_stops_asking_after_so_many_tries() {
        let mut asked = 0;
        let same = shrink(case(3), 17, |_| {
            asked += 1;
            false
        });
        assert_eq!((same, asked), (case(3), 17));
    }
}
