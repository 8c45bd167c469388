//! One record, looked at closely.

use std::rc::Rc;

use crate::base::{NodeId, Time};

/// What a record carries, who has it and who has read it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordView {
    /// Its key as text; none is Kafka's null key.
    pub key: Option<Rc<str>>,
    /// Its value: the text, or how many bytes.
    pub value: Rc<str>,
    /// When its application sent it.
    pub sent_at: Time,
    /// Microseconds from then to its acknowledgement, if there was one.
    pub acknowledged_after_us: Option<u64>,
    /// Brokers whose logs hold it, running or not.
    pub copies: Vec<NodeId>,
    /// Whether it is below the high watermark: the leader's, or that of the last one.
    pub safe: bool,
    /// Whether a running leader serves it.
    pub served: bool,
    /// Groups and lone consumers, with how often each has finished it.
    pub readers: Vec<(Rc<str>, u16)>,
}
