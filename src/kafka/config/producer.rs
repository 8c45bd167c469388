//! Settings of a producer (`ProducerConfig`).

use std::rc::Rc;

use super::{Acks, CompressionType, ConfigError, PostProcess, config_table};
use crate::base::Duration;

config_table! {
    /// Settings of a producer, under Kafka's names and defaults.
    ProducerConfig, "producer";
    /// Which replicas must have a record before the producer counts it as sent.
    "acks" acks: Acks ["STRING"] = Acks::All;
    /// How long a record may wait for company before its batch is sent.
    "linger.ms" linger: Duration ["LONG"] = Duration::from_millis(5), 0 ..= i64::MAX;
    /// Bytes of a batch; also how much goes to one partition before unkeyed records move on.
    "batch.size" batch_size: u32 ["INT"] = 16_384, 0 ..= 2_147_483_647;
    /// Bytes that may wait in the producer; when they are used up, send() blocks.
    "buffer.memory" buffer_memory: u64 ["LONG"] = 33_554_432, 0 ..= i64::MAX;
    /// How long send() may block for metadata or memory before it fails.
    "max.block.ms" max_block: Duration ["LONG"] = Duration::from_secs(60), 0 ..= i64::MAX;
    /// How batches are made smaller; brokers keep them so.
    "compression.type" compression: CompressionType ["STRING"] = CompressionType::None;
    /// How often a failed batch may be sent again.
    "retries" retries: u32 ["INT"] = 2_147_483_647, 0 ..= 2_147_483_647;
    /// Time from a batch's creation to success or failure, retries included.
    "delivery.timeout.ms" delivery_timeout: Duration ["INT"] = Duration::from_secs(120), 0 ..= 2_147_483_647;
    /// How long to wait for the answer to one request.
    "request.timeout.ms" request_timeout: Duration ["INT"] = Duration::from_secs(30), 0 ..= 2_147_483_647;
    /// First wait before a retry; doubles up to retry.backoff.max.ms.
    "retry.backoff.ms" retry_backoff: Duration ["LONG"] = Duration::from_millis(100), 0 ..= i64::MAX;
    /// Longest wait before a retry.
    "retry.backoff.max.ms" retry_backoff_max: Duration ["LONG"] = Duration::from_millis(1_000), 0 ..= i64::MAX;
    /// Requests that may be under way to one broker.
    "max.in.flight.requests.per.connection" max_in_flight: u32 ["INT"] = 5, 1 ..= 2_147_483_647;
    /// Largest request in bytes, and so the largest record.
    "max.request.size" max_request_size: u32 ["INT"] = 1_048_576, 0 ..= 2_147_483_647;
    /// Number the batches so that the broker drops duplicates and refuses gaps.
    "enable.idempotence" enable_idempotence: bool ["BOOLEAN"] = true;
    /// Prefer partitions whose brokers keep up, for records without a key.
    "partitioner.adaptive.partitioning.enable" adaptive_partitioning: bool ["BOOLEAN"] = true;
    /// Choose no partition whose broker could not take a batch for so long; 0 waits for every broker.
    "partitioner.availability.timeout.ms" partitioner_availability_timeout: Duration ["LONG"] = Duration::ZERO, 0 ..= i64::MAX;
    /// Choose partitions without looking at keys.
    "partitioner.ignore.keys" ignore_keys: bool ["BOOLEAN"] = false;
    /// Name under which the producer's transactions go on over its lives; turns transactions on.
    "transactional.id" transactional_id: Option<Rc<str>> ["STRING"] = None;
    /// How long a transaction may be open before its coordinator aborts it.
    "transaction.timeout.ms" transaction_timeout: Duration ["INT"] = Duration::from_secs(60);
    /// Age at which metadata is fetched again without need.
    "metadata.max.age.ms" metadata_max_age: Duration ["LONG"] = Duration::from_secs(300), 0 ..= i64::MAX;
}

/// Requests in flight to one broker among which a broker still finds duplicates.
const MAX_IN_FLIGHT_FOR_IDEMPOTENCE: u32 = 5;

fn refused<T>(key: &'static str, message: impl Into<String>) -> Result<T, ConfigError> {
    Err(ConfigError::Inconsistent { key, message: message.into() })
}

impl ProducerConfig {
    /// `postProcessAndValidateIdempotenceConfigs`.
    fn settle_idempotence(&mut self, was_asked_for: bool) -> Result<(), ConfigError> {
        if !self.enable_idempotence {
            return Ok(());
        }
        if was_asked_for && self.retries == 0 {
            return refused(
                "retries",
                "Must set retries to non-zero when using the idempotent producer.",
            );
        }
        if was_asked_for && self.acks != Acks::All {
            return refused(
                "acks",
                "Must set acks to all in order to use the idempotent producer. Otherwise we cannot \
                 guarantee idempotence.",
            );
        }
        if self.max_in_flight > MAX_IN_FLIGHT_FOR_IDEMPOTENCE {
            let key = "max.in.flight.requests.per.connection";
            let message = format!(
                "To use the idempotent producer, {key} must be set to at most \
                 {MAX_IN_FLIGHT_FOR_IDEMPOTENCE}. Current value is {}.",
                self.max_in_flight
            );
            return refused(key, message);
        }
        self.enable_idempotence = self.retries > 0 && self.acks == Acks::All;
        Ok(())
    }

    /// `KafkaProducer.configureDeliveryTimeout`.
    fn settle_delivery_timeout(&mut self, was_asked_for: bool) -> Result<(), ConfigError> {
        let least = self.linger + self.request_timeout;
        if self.delivery_timeout >= least {
            return Ok(());
        }
        if was_asked_for {
            return refused(
                "delivery.timeout.ms",
                "delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms",
            );
        }
        self.delivery_timeout = least;
        Ok(())
    }
}

impl PostProcess for ProducerConfig {
    fn post_process(mut self, is_set: impl Fn(&str) -> bool) -> Result<Self, ConfigError> {
        self.settle_idempotence(is_set("enable.idempotence"))?;
        if self.transactional_id.is_some() && !self.enable_idempotence {
            return refused(
                "transactional.id",
                "Cannot set a transactional.id without also enabling idempotence.",
            );
        }
        self.settle_delivery_timeout(is_set("delivery.timeout.ms"))?;
        Ok(self)
    }
}
