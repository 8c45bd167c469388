//! `leader.replication.throttled.replicas` and `follower.replication.throttled.replicas`.

use std::rc::Rc;

use super::ConfigValue;

/// Replicas of a topic whose copying is throttled (`ThrottledReplicaListValidator`): `*` for all of them, or a list of
/// `partition:broker`; empty for none.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ThrottledReplicas(Option<Rc<str>>);

impl ThrottledReplicas {
    /// Whether the replica of `partition` on `broker` is among them (`ReplicationQuotaManager.isThrottled`).
    pub fn contains(&self, partition: u32, broker: i32) -> bool {
        let Some(text) = &self.0 else { return false };
        let named = |replica: &str| {
            let Some((of_partition, on_broker)) = replica.trim().split_once(':') else {
                return false;
            };
            // What is too large for a number is nobody's replica.
            of_partition.parse() == Ok(partition) && on_broker.parse() == Ok(broker)
        };
        is_all(text) || text.split(',').any(named)
    }
}

/// Kafka joins the parts before it compares, so that `*,` is everything too.
fn is_all(text: &str) -> bool {
    text.split(',').map(str::trim).collect::<String>() == "*"
}

fn is_replica(text: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.is_empty()
        || text.split_once(':').is_some_and(|(left, right)| is_number(left) && is_number(right))
}

impl ConfigValue for ThrottledReplicas {
    fn read(_kind: &str, text: &str) -> Result<Self, String> {
        if !is_all(text) && !text.split(',').map(str::trim).all(is_replica) {
            return Err("must be the literal '*' or a list of replicas in the following format: \
                        [partitionId]:[brokerId],[partitionId]:[brokerId],..."
                .to_owned());
        }
        Ok(Self((!text.is_empty()).then(|| text.into())))
    }

    fn read_for(key: &str, kind: &str, text: &str) -> Result<Self, String> {
        Self::read(kind, text).map_err(|reason| format!("{key} {reason}"))
    }

    fn show(&self) -> String {
        self.0.as_deref().unwrap_or_default().to_owned()
    }

    /// Java writes a list in brackets.
    fn given(text: &str) -> String {
        let words: Vec<&str> = text.trim().split(',').map(str::trim).collect();
        format!("[{}]", words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::ThrottledReplicas;
    use crate::kafka::config::{ConfigValue as _, TopicConfig};

    #[test]
    fn replicas_are_named_one_by_one_or_all_at_once() {
        let read = |text: &str| ThrottledReplicas::read("LIST", text).unwrap();
        let listed = read("0:101, 1:102");
        assert!(listed.contains(0, 101) && listed.contains(1, 102));
        assert!(!listed.contains(0, 102) && !listed.contains(1, 101));
        assert!(read("*").contains(7, 3));
        assert!(!read("").contains(0, 1));
        assert!(!read("99999999999:1,0:99999999999").contains(0, 1));
        assert_eq!(listed.show(), "0:101, 1:102");
    }

    #[test]
    fn a_list_of_something_else_is_refused_in_kafkas_words() {
        let mut config = TopicConfig::default();
        let key = "leader.replication.throttled.replicas";
        for wrong in ["abc", "0:1,x", "0:", ":1", "0:1:2", "*,0:1", "-1:2"] {
            assert!(config.set(key, wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            config.set(key, "0:1,x").unwrap_err().to_string(),
            "Invalid value [0:1, x] for configuration leader.replication.throttled.replicas: \
             leader.replication.throttled.replicas must be the literal '*' or a list of replicas in the \
             following format: [partitionId]:[brokerId],[partitionId]:[brokerId],..."
        );
    }
}
