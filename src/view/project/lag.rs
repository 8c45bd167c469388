//! How far the groups are behind, read once for a whole picture.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::base::{Offset, TopicPartition};
use crate::cluster::Cluster;

/// Where a group stands in each partition that it has anything of, and how many records behind.
pub(super) type GroupLag = BTreeMap<TopicPartition, (Offset, u64)>;

/// The groups by name.
pub(super) struct Lags(BTreeMap<Rc<str>, GroupLag>);

impl Lags {
    pub(super) fn read(cluster: &Cluster) -> Self {
        let groups = cluster.groups().map(|group| {
            let lag = cluster.group_lag(group).map(|(tp, offset, lag)| (tp, (offset, lag)));
            (group.name.clone(), lag.collect())
        });
        Self(groups.collect())
    }

    /// The groups in order of their names.
    pub(super) fn groups(&self) -> impl Iterator<Item = (&Rc<str>, &GroupLag)> {
        self.0.iter()
    }

    /// One group, if its coordinator answers.
    pub(super) fn of(&self, group: &str) -> Option<&GroupLag> {
        self.0.get(group)
    }

    /// Records that a group is behind altogether.
    pub(super) fn total(&self, group: &str) -> Option<u64> {
        Some(self.of(group)?.values().map(|(_, lag)| lag).sum())
    }
}
