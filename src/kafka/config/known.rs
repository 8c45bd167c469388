//! Every public key that Kafka 4.3.1 has, whether the model reads it or not: what it does not read is
//! named as such, and only what Kafka does not know either is unknown.

/// Kafka's keys by table; a test holds the list against Kafka's own `ConfigDef`s.
const KEYS: &str = include_str!("kafka_keys.txt");

/// Kafka's keys of a table (`producer`, `consumer`, `admin`, `broker`, `topic`, `group`) in order of
/// name; none for another word.
pub fn kafka_keys(table: &str) -> impl Iterator<Item = &'static str> {
    let is_header = |line: &&str| line.starts_with('[');
    let mut lines = KEYS.lines();
    let wanted = move |line: &str| {
        line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) == Some(table)
    };
    // `find` leaves the lines behind the header.
    let found = lines.find(|line| wanted(line)).is_some();
    lines.take_while(move |line| found && !is_header(line))
}

#[cfg(test)]
mod tests {
    use super::kafka_keys;

    #[test]
    fn a_table_ends_where_the_next_one_begins() {
        assert_eq!(kafka_keys("topic").next(), Some("cleanup.policy"));
        assert_eq!(kafka_keys("group").last(), Some("streams.session.timeout.ms"));
        assert!(kafka_keys("topic").all(|key| !key.starts_with("consumer.")));
        assert_eq!(kafka_keys("nonsense").count(), 0);
    }
}
