//! What a leader knows of one follower (`Replica`, `ReplicaState`).

use crate::base::{Duration, Offset, Time};

/// What a leader knows of one follower.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Replica {
    /// Log end offset as of its last fetch, -1 before the first.
    pub log_end: Offset,
    /// Log start offset as of its last fetch, -1 before the first.
    pub log_start: Offset,
    /// The leader's log end at the follower's last fetch.
    last_fetch_leader_log_end: Offset,
    last_fetch: Option<Time>,
    /// The latest moment at which the follower is known to have had all of the log; `None` if it never
    /// had under this leader.
    pub last_caught_up: Option<Time>,
    /// Broker epoch in its last fetch.
    pub broker_epoch: Option<i64>,
}

impl Replica {
    /// A follower that has not fetched yet.
    pub fn unknown() -> Self {
        Self {
            log_end: -1,
            log_start: -1,
            last_fetch_leader_log_end: 0,
            last_fetch: None,
            last_caught_up: None,
            broker_epoch: None,
        }
    }

    /// Begins a leader epoch (`resetReplicaState`). `caught_up` is the moment for a follower in the ISR,
    /// which counts as caught up.
    pub fn reset(&mut self, leader_end: Offset, is_new_leader: bool, caught_up: Option<Time>) {
        if is_new_leader {
            *self = Self {
                last_fetch_leader_log_end: -1,
                last_caught_up: caught_up,
                ..Self::unknown()
            };
        } else {
            self.last_fetch_leader_log_end = leader_end;
            self.last_fetch = caught_up;
            self.last_caught_up = caught_up;
        }
    }

    /// Takes in a fetch at `fetch_offset` while the leader's log ends at `leader_end`
    /// (`updateFetchStateOrThrow`). A follower that always fetches what was there at its previous fetch
    /// counts as caught up then, so small and frequent appends do not make it look late.
    pub fn update(&mut self, fetch_offset: Offset, leader_end: Offset, now: Time, epoch: i64) {
        if fetch_offset >= leader_end {
            self.last_caught_up = self.last_caught_up.max(Some(now));
        } else if fetch_offset >= self.last_fetch_leader_log_end {
            self.last_caught_up = self.last_caught_up.max(self.last_fetch);
        }
        self.log_end = fetch_offset;
        self.last_fetch_leader_log_end = self.last_fetch_leader_log_end.max(leader_end);
        self.last_fetch = Some(now);
        self.broker_epoch = Some(epoch);
    }

    /// The leader is about to append to the log that ends at `leader_end`; the follower's session last
    /// fetched at `session_fetch`. An incremental session does not name a partition again whose
    /// position stays, so what Kafka notes at every fetch is made up for here.
    pub fn before_append(&mut self, leader_end: Offset, session_fetch: Time) {
        if self.log_end == leader_end {
            self.last_caught_up = self.last_caught_up.max(Some(session_fetch));
            self.last_fetch_leader_log_end = leader_end;
            self.last_fetch = self.last_fetch.max(Some(session_fetch));
        }
    }

    /// Whether it has all of the log, or had it within `max_lag` (`isCaughtUp`).
    pub fn is_caught_up(&self, leader_end: Offset, now: Time, max_lag: Duration) -> bool {
        self.log_end == leader_end
            || self.last_caught_up.is_some_and(|caught_up| now.since(caught_up) <= max_lag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_follower_that_always_fetches_the_previous_end_counts_as_caught_up() {
        let mut replica = Replica::unknown();
        replica.update(0, 10, Time(1_000), 1);
        replica.update(10, 20, Time(2_000), 1);
        assert_eq!(replica.last_caught_up, Some(Time(1_000)));
        replica.update(15, 30, Time(3_000), 1);
        assert_eq!(replica.last_caught_up, Some(Time(1_000)));
        replica.update(30, 30, Time(4_000), 1);
        assert_eq!(replica.last_caught_up, Some(Time(4_000)));
    }

    #[test]
    fn a_follower_that_never_fetched_is_not_caught_up_even_at_the_beginning_of_time() {
        let mut replica = Replica::unknown();
        replica.reset(0, true, None);
        assert!(!replica.is_caught_up(3, Time(5), Duration::from_secs(30)));
    }
}
