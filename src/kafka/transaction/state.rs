//! The states of a transaction as its coordinator sees them (`TransactionState`).

/// State of a transactional id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum TransactionState {
    /// Nothing was written since `initTransactions()`.
    Empty,
    /// Partitions were added.
    Ongoing,
    /// The transaction is committed; its markers are being written.
    PrepareCommit,
    /// The transaction is aborted; its markers are being written.
    PrepareAbort,
    /// All commit markers are written.
    CompleteCommit,
    /// All abort markers are written.
    CompleteAbort,
    /// The id has expired and is about to be forgotten.
    Dead,
    /// The epoch is about to be raised so that the present producer is fenced off.
    PrepareEpochFence,
}

impl TransactionState {
    /// Every state, in the order of Kafka's ids.
    pub const ALL: [Self; 8] = [
        Self::Empty,
        Self::Ongoing,
        Self::PrepareCommit,
        Self::PrepareAbort,
        Self::CompleteCommit,
        Self::CompleteAbort,
        Self::Dead,
        Self::PrepareEpochFence,
    ];

    /// Kafka's name of the state.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Ongoing => "Ongoing",
            Self::PrepareCommit => "PrepareCommit",
            Self::PrepareAbort => "PrepareAbort",
            Self::CompleteCommit => "CompleteCommit",
            Self::CompleteAbort => "CompleteAbort",
            Self::Dead => "Dead",
            Self::PrepareEpochFence => "PrepareEpochFence",
        }
    }

    /// The states from which this one may be reached (`validPreviousStates`, with `transaction.version=2`).
    pub fn valid_previous_states(self) -> &'static [Self] {
        match self {
            Self::Empty => &[Self::Empty, Self::CompleteCommit, Self::CompleteAbort],
            Self::Ongoing => {
                &[Self::Ongoing, Self::Empty, Self::CompleteCommit, Self::CompleteAbort]
            }
            Self::PrepareCommit | Self::PrepareEpochFence => &[Self::Ongoing],
            Self::PrepareAbort => &[
                Self::Ongoing,
                Self::PrepareEpochFence,
                Self::Empty,
                Self::CompleteCommit,
                Self::CompleteAbort,
            ],
            Self::CompleteCommit => &[Self::PrepareCommit],
            Self::CompleteAbort => &[Self::PrepareAbort],
            Self::Dead => &[Self::Empty, Self::CompleteAbort, Self::CompleteCommit],
        }
    }

    /// Whether an id in this state may be forgotten (`isExpirationAllowed`).
    pub fn is_expiration_allowed(self) -> bool {
        matches!(self, Self::Empty | Self::CompleteCommit | Self::CompleteAbort)
    }

    /// Whether the decision is made and markers are under way.
    pub fn is_prepared(self) -> bool {
        matches!(self, Self::PrepareCommit | Self::PrepareAbort)
    }
}
