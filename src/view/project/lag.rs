//! How far the groups are behind, read once for a whole picture.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::base::{Offset, TopicPartition};
use crate::cluster::Cluster;

/// Where a group stands in each partition that it has anything of, and how many records behind.
pub(super) type GroupLag = BTreeMap<TopicPartition, (Offset, u64)>;

/// One group.
struct Known {
    lag: GroupLag,
    /// Whether all of it is of this moment.
    current: bool,
}

/// The groups by name.
pub(super) struct Lags(BTreeMap<Rc<str>, Known>);

impl Lags {
    pub(super) fn read(cluster: &Cluster) -> Self {
        let groups = cluster.groups().map(|group| {
            let mut known = Known { lag: GroupLag::new(), current: true };
            for standing in cluster.group_lag(group) {
                known.lag.insert(standing.tp, (standing.offset, standing.lag));
                known.current &= standing.served;
            }
            (group.name.clone(), known)
        });
        Self(groups.collect())
    }

    /// The groups in order of their names.
    pub(super) fn groups(&self) -> impl Iterator<Item = (&Rc<str>, &GroupLag)> {
        self.0.iter().map(|(name, known)| (name, &known.lag))
    }

    /// One group, if its coordinator answers.
    pub(super) fn of(&self, group: &str) -> Option<&GroupLag> {
        self.0.get(group).map(|known| &known.lag)
    }

    /// Whether a group's lag is of this moment, every partition being led; none if its coordinator does
    /// not answer.
    pub(super) fn is_current(&self, group: &str) -> Option<bool> {
        self.0.get(group).map(|known| known.current)
    }

    /// Records that a group is behind altogether.
    pub(super) fn total(&self, group: &str) -> Option<u64> {
        Some(self.of(group)?.values().map(|(_, lag)| lag).sum())
    }
}
