//! The group coordinator of one broker: the classic group protocol and stored offsets
//! (`GroupCoordinatorService`, `GroupMetadataManager`, `OffsetMetadataManager`). It coordinates the groups
//! whose partition of `__consumer_offsets` the broker leads. It knows no log: what must be written leaves as a
//! [`CoordinatorAppend`], and clients are answered once the broker says that it is replicated.
//! Not here: the protocol of KIP-848, share groups, transactions, offset expiry.

use std::rc::Rc;

use super::config::BrokerConfig;
use super::effect::Out;
use super::protocol::{CorrelationId, ErrorCode, Request};
use super::record::{GroupRecord, Record};
use crate::base::NodeId;

/// Records for `__consumer_offsets`, to be appended with acks=all and a timeout of
/// `offsets.commit.timeout.ms`. The broker reports the outcome once, by
/// [`GroupCoordinator::on_append_done`]. Appends to one partition must keep their order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CoordinatorAppend {
    /// Partition of `__consumer_offsets`.
    pub partition: u32,
    /// The records, at least one.
    pub records: Vec<Record>,
    /// Names the append in the report of its outcome.
    pub token: u64,
}

/// Timers of a group coordinator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CoordinatorTimer {
    /// Some session, rebalance or sync may have run out of time.
    Wake,
}

/// The groups of one broker process.
#[derive(Clone, Debug)]
pub struct GroupCoordinator {
    _config: Rc<BrokerConfig>,
}

#[expect(clippy::unused_self, reason = "bodies land next")]
impl GroupCoordinator {
    /// A coordinator without partitions: it answers NOT_COORDINATOR until [`Self::on_elected`].
    pub fn new(config: Rc<BrokerConfig>) -> Self {
        Self { _config: config }
    }

    /// Handles JoinGroup, SyncGroup, Heartbeat, LeaveGroup, OffsetCommit, OffsetFetch, DescribeGroups and
    /// ListGroups. The answer may come later, by another call.
    pub fn on_request(
        &mut self,
        _from: NodeId,
        _correlation: CorrelationId,
        _body: Request,
        _out: &mut Out<'_>,
        _appends: &mut Vec<CoordinatorAppend>,
    ) {
    }

    /// A timer fired.
    pub fn on_timer(
        &mut self,
        _timer: CoordinatorTimer,
        _out: &mut Out<'_>,
        _appends: &mut Vec<CoordinatorAppend>,
    ) {
    }

    /// The append `token` is below the high watermark, or failed. Unknown tokens change nothing.
    pub fn on_append_done(
        &mut self,
        _token: u64,
        _result: Result<(), ErrorCode>,
        _out: &mut Out<'_>,
        _appends: &mut Vec<CoordinatorAppend>,
    ) {
    }

    /// The broker leads `partition` of the `partitions_total` of `__consumer_offsets` now; `records` is all
    /// that the log holds. Replaces whatever was known of the partition.
    pub fn on_elected(
        &mut self,
        _partition: u32,
        _partitions_total: u32,
        _records: Vec<Rc<GroupRecord>>,
        _out: &mut Out<'_>,
    ) {
    }

    /// The broker leads `partition` no longer: waiting clients are told NOT_COORDINATOR.
    pub fn on_resigned(&mut self, _partition: u32, _out: &mut Out<'_>) {}
}
