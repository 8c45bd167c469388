//! The record ledger: every record's fate, and why. Folded from events; nothing is estimated.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::base::{Offset, RecordId, Time, TopicPartition};
use crate::kafka::protocol::ErrorCode;

/// Records of one chunk; chunks are shared between clones of the ledger.
const CHUNK: usize = 512;

/// What became of a record so far.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Fate {
    /// Still in the producer, or under way.
    Waiting,
    /// In a log; the producer does not know yet.
    Appended,
    /// The producer counts it as sent, and a log holds it or held it until retention took it.
    Acked,
    /// The producer gave it up, yet a log holds it.
    FailedButWritten,
    /// The producer gave it up and no log holds it.
    Failed,
    /// The producer counts it as sent and no log holds it any more.
    AckedThenLost,
    /// It was in a log, no log holds it any more, and the producer never counted it as sent.
    Lost,
    /// Sent with `acks=0` and never seen in a log.
    AckedNeverWritten,
    /// Its transaction was aborted: it stands in a log, and no reader of committed records sees it.
    Aborted,
    /// The producer counts it as sent, and it was deleted before every group that read its topic had read it: by
    /// retention, or because somebody asked for it by DeleteRecords.
    DeletedUnread,
    /// The producer counts it as sent, and a newer record with its key took its place before every group that read
    /// its topic had read it: compaction.
    CompactedAway,
}

/// Why the leader's log let a record go, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LetGo {
    /// It was too old, or the log too large, or somebody asked for it.
    Deleted {
        /// Whether a group that read the topic had not read it.
        unread: bool,
    },
    /// A newer record with its key, or a tombstone's end.
    Compacted {
        /// Whether a group that read the topic had not read it.
        unread: bool,
    },
}

impl Fate {
    /// Every fate, for tables.
    pub const ALL: [Self; 11] = [
        Self::Waiting,
        Self::Appended,
        Self::Acked,
        Self::FailedButWritten,
        Self::Failed,
        Self::AckedThenLost,
        Self::Lost,
        Self::AckedNeverWritten,
        Self::Aborted,
        Self::DeletedUnread,
        Self::CompactedAway,
    ];
}

impl LetGo {
    /// Whether a group that read the topic had not read it.
    pub fn is_unread(self) -> bool {
        let (Self::Deleted { unread } | Self::Compacted { unread }) = self;
        unread
    }
}

/// One record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LedgerEntry {
    /// When the application called `send()`.
    pub created_at: Time,
    /// Where it was appended last, if anywhere.
    pub place: Option<(TopicPartition, Offset)>,
    /// When the producer counted it as sent, if it did.
    pub acked_at: Option<Time>,
    /// Why the producer gave it up, if it did.
    pub error: Option<ErrorCode>,
    /// Whether every log that held it has dropped it.
    pub gone: bool,
    /// Whether its transaction was aborted.
    pub aborted: bool,
    /// How its leader's log let it go in order, if it did.
    pub let_go: Option<LetGo>,
}

impl LedgerEntry {
    /// What became of it so far.
    pub fn fate(&self) -> Fate {
        if self.aborted {
            return Fate::Aborted;
        }
        match (self.acked_at.is_some(), self.let_go) {
            (true, Some(LetGo::Deleted { unread: true })) => return Fate::DeletedUnread,
            (true, Some(LetGo::Compacted { unread: true })) => return Fate::CompactedAway,
            (true, Some(_)) => return Fate::Acked,
            _ => {}
        }
        match (self.acked_at.is_some(), self.error.is_some(), self.place.is_some(), self.gone) {
            (true, _, true, true) => Fate::AckedThenLost,
            (true, _, true, false) => Fate::Acked,
            (true, _, false, _) => Fate::AckedNeverWritten,
            (false, _, true, true) => Fate::Lost,
            (false, true, true, false) => Fate::FailedButWritten,
            (false, true, false, _) => Fate::Failed,
            (false, false, true, false) => Fate::Appended,
            (false, false, false, _) => Fate::Waiting,
        }
    }
}

/// How often one reader finished each record.
#[derive(Clone, Debug, Default)]
struct Deliveries {
    counts: Vec<Rc<Vec<u16>>>,
    total: u64,
    distinct: u64,
    /// Of the different ones, those that are told apart since because another group had not read them.
    let_go: u64,
}

/// Who reads: a group, or a consumer without one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reader {
    /// A group, by its id.
    Group(Rc<str>),
    /// A consumer without a group, by its client id.
    Alone(Rc<str>),
}

impl std::fmt::Display for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Group(name) | Self::Alone(name) => f.write_str(name),
        }
    }
}

/// Totals of one reader.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReaderSummary {
    /// Who.
    pub reader: Reader,
    /// Records finished, repetitions included.
    pub processed: u64,
    /// Different records finished.
    pub distinct: u64,
    /// Of these, records that are "deleted unread" or "compacted away" since, for another group's sake.
    pub let_go: u64,
}

impl ReaderSummary {
    /// Records finished more than once, each repetition counted.
    pub fn duplicates(&self) -> u64 {
        self.processed - self.distinct
    }
}

/// Every record's fate.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    chunks: Vec<Rc<Vec<LedgerEntry>>>,
    len: usize,
    readers: BTreeMap<Reader, Deliveries>,
    /// By fate, in the order of [`Fate::ALL`].
    totals: [u64; Fate::ALL.len()],
}

fn position(record: RecordId) -> (usize, usize) {
    let index = usize::try_from(record.0).expect("records fit memory");
    (index / CHUNK, index % CHUNK)
}

impl Ledger {
    /// Number of records created.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no record was created.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many records have that fate now.
    pub fn count(&self, fate: Fate) -> u64 {
        self.totals[fate as usize]
    }

    /// How many records their producers count as sent, whatever became of them since; not those that they aborted.
    pub fn acknowledged(&self) -> u64 {
        let fates = [
            Fate::Acked,
            Fate::AckedThenLost,
            Fate::AckedNeverWritten,
            Fate::DeletedUnread,
            Fate::CompactedAway,
        ];
        fates.map(|fate| self.count(fate)).iter().sum()
    }

    /// The record's entry.
    pub fn entry(&self, record: RecordId) -> Option<&LedgerEntry> {
        let (chunk, slot) = position(record);
        self.chunks.get(chunk)?.get(slot)
    }

    /// Entries with their records, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = (RecordId, &LedgerEntry)> {
        (0_u64..).map(RecordId).zip(self.chunks.iter().flat_map(|chunk| chunk.iter()))
    }

    /// Totals of every reader, groups first.
    pub fn readers(&self) -> impl Iterator<Item = ReaderSummary> {
        self.readers.iter().map(|(reader, deliveries)| ReaderSummary {
            reader: reader.clone(),
            processed: deliveries.total,
            distinct: deliveries.distinct,
            let_go: deliveries.let_go,
        })
    }

    /// How often that reader finished that record.
    pub fn deliveries(&self, reader: &Reader, record: RecordId) -> u16 {
        let (chunk, slot) = position(record);
        let counts = self.readers.get(reader).and_then(|deliveries| deliveries.counts.get(chunk));
        counts.and_then(|counts| counts.get(slot)).copied().unwrap_or(0)
    }

    /// A record was created. Records come in order of their numbers.
    pub(super) fn created(&mut self, record: RecordId, at: Time) {
        let (chunk, slot) = position(record);
        while self.chunks.len() <= chunk {
            self.chunks.push(Rc::new(Vec::with_capacity(CHUNK)));
        }
        let entries = Rc::make_mut(&mut self.chunks[chunk]);
        debug_assert_eq!(entries.len(), slot, "records are numbered without gaps");
        let entry = LedgerEntry {
            created_at: at,
            place: None,
            acked_at: None,
            error: None,
            gone: false,
            aborted: false,
            let_go: None,
        };
        self.totals[entry.fate() as usize] += 1;
        entries.push(entry);
        self.len += 1;
    }

    /// A leader appended it, or a follower copied it. A copy that a deposed leader makes does not
    /// replace the place that was acknowledged.
    pub(super) fn appended(&mut self, record: RecordId, tp: TopicPartition, offset: Offset) {
        self.update(record, |entry| {
            if entry.acked_at.is_none() || entry.place.is_none() || entry.gone {
                entry.place = Some((tp, offset));
                entry.gone = false;
            }
        });
    }

    /// The producer counts it as sent, and was told that it stands at `place`; `acks=0` tells nothing.
    pub(super) fn acked(
        &mut self,
        record: RecordId,
        at: Time,
        place: Option<(TopicPartition, Offset)>,
    ) {
        self.update(record, |entry| {
            entry.acked_at = Some(at);
            // The answer can come after the log that it tells of is lost.
            if place.is_some() && place != entry.place {
                entry.place = place;
                entry.gone = false;
            }
        });
    }

    /// The producer gave it up.
    pub(super) fn failed(&mut self, record: RecordId, error: ErrorCode) {
        self.update(record, |entry| entry.error = Some(error));
    }

    /// The marker of its aborted transaction stands behind it. What was let go before that keeps its fate.
    pub(super) fn aborted(&mut self, record: RecordId) {
        self.update(record, |entry| entry.aborted = entry.let_go.is_none());
    }

    /// Its leader's log let it go in order. An aborted record is no loss for anybody.
    pub(super) fn let_go(&mut self, record: RecordId, how: LetGo) {
        let (chunk, slot) = position(record);
        let is_first =
            self.entry(record).is_some_and(|entry| entry.let_go.is_none() && !entry.aborted);
        if !is_first {
            return;
        }
        if how.is_unread() {
            for deliveries in self.readers.values_mut() {
                let count = deliveries.counts.get(chunk).map_or(0, |counts| counts[slot]);
                deliveries.let_go += u64::from(count > 0);
            }
        }
        self.update(record, |entry| entry.let_go = Some(how));
    }

    /// No log holds it any more.
    pub(super) fn gone(&mut self, record: RecordId) {
        self.update(record, |entry| entry.gone = true);
    }

    /// A reader finished it.
    pub(super) fn processed(&mut self, reader: Reader, record: RecordId) {
        let (chunk, slot) = position(record);
        let let_go = self.entry(record).and_then(|entry| entry.let_go);
        let deliveries = self.readers.entry(reader).or_default();
        while deliveries.counts.len() <= chunk {
            deliveries.counts.push(Rc::new(vec![0; CHUNK]));
        }
        let count = &mut Rc::make_mut(&mut deliveries.counts[chunk])[slot];
        deliveries.distinct += u64::from(*count == 0);
        deliveries.let_go += u64::from(*count == 0 && let_go.is_some_and(LetGo::is_unread));
        deliveries.total += 1;
        *count = count.saturating_add(1);
    }

    fn update(&mut self, record: RecordId, change: impl FnOnce(&mut LedgerEntry)) {
        let (chunk, slot) = position(record);
        let Some(entry) =
            self.chunks.get_mut(chunk).and_then(|chunk| Rc::make_mut(chunk).get_mut(slot))
        else {
            return;
        };
        let before = entry.fate();
        change(entry);
        let after = entry.fate();
        if before != after {
            self.totals[before as usize] -= 1;
            self.totals[after as usize] += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::TopicId;

    fn place() -> TopicPartition {
        TopicPartition::new(TopicId(1), 0)
    }

    #[test]
    fn an_acknowledged_record_that_no_log_holds_is_lost_until_it_is_written_again() {
        let mut ledger = Ledger::default();
        ledger.created(RecordId(0), Time(1));
        ledger.appended(RecordId(0), place(), 7);
        ledger.acked(RecordId(0), Time(2), Some((place(), 7)));
        assert_eq!(ledger.count(Fate::Acked), 1);
        ledger.gone(RecordId(0));
        assert_eq!(ledger.count(Fate::AckedThenLost), 1);
        assert_eq!(ledger.count(Fate::Acked), 0);
        ledger.appended(RecordId(0), place(), 3);
        assert_eq!(ledger.count(Fate::Acked), 1);
    }

    #[test]
    fn what_is_deleted_in_order_is_not_lost_but_may_be_unread() {
        let mut ledger = Ledger::default();
        for (n, unread) in [(0, true), (1, false)] {
            let record = RecordId(n);
            ledger.created(record, Time(1));
            ledger.appended(record, place(), 7);
            ledger.acked(record, Time(2), Some((place(), 7)));
            ledger.let_go(record, LetGo::Deleted { unread });
            ledger.gone(record);
        }
        let count = |fate| ledger.count(fate);
        assert_eq!((count(Fate::DeletedUnread), count(Fate::Acked)), (1, 1));
        assert_eq!((count(Fate::AckedThenLost), ledger.acknowledged()), (0, 2));
    }

    #[test]
    fn what_is_aborted_is_no_loss_when_the_log_lets_it_go() {
        let mut ledger = Ledger::default();
        ledger.created(RecordId(0), Time(1));
        ledger.appended(RecordId(0), place(), 7);
        ledger.acked(RecordId(0), Time(2), Some((place(), 7)));
        ledger.processed(Reader::Group("dirty".into()), RecordId(0));
        ledger.aborted(RecordId(0));
        ledger.let_go(RecordId(0), LetGo::Compacted { unread: true });
        ledger.gone(RecordId(0));
        assert_eq!(ledger.count(Fate::Aborted), 1);
        assert_eq!(ledger.readers().map(|reader| reader.let_go).collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn an_answer_that_comes_after_the_log_is_lost_brings_no_record_back() {
        let mut ledger = Ledger::default();
        ledger.created(RecordId(0), Time(1));
        ledger.appended(RecordId(0), place(), 7);
        ledger.gone(RecordId(0));
        ledger.acked(RecordId(0), Time(2), Some((place(), 7)));
        assert_eq!(ledger.count(Fate::AckedThenLost), 1);
    }

    #[test]
    fn repetitions_count_for_each_reader_by_itself() {
        let mut ledger = Ledger::default();
        for n in 0..600 {
            ledger.created(RecordId(n), Time(n));
        }
        let group = Reader::Group("app".into());
        let alone = Reader::Alone("app".into());
        ledger.processed(group.clone(), RecordId(599));
        ledger.processed(group.clone(), RecordId(599));
        ledger.processed(alone.clone(), RecordId(3));
        let summary: Vec<_> = ledger.readers().map(|r| (r.processed, r.duplicates())).collect();
        assert_eq!(summary, [(2, 1), (1, 0)]);
        assert_eq!(ledger.deliveries(&group, RecordId(599)), 2);
        assert_eq!(ledger.deliveries(&alone, RecordId(599)), 0);
    }
}
