//! The terminal against a running cluster: the three commands of the first lesson, and what goes wrong.

use brokerscope::base::Duration;
use brokerscope::cluster::{Action, ActionError, Cluster};
use brokerscope::shell::{Host, LineKind, Shell};

use crate::support::scenario;

struct Session(Cluster);

impl Host for Session {
    fn apply(&mut self, action: Action) -> Result<(), ActionError> {
        self.0.apply(&action)
    }

    fn cluster(&self) -> &Cluster {
        &self.0
    }
}

struct Terminal {
    shell: Shell,
    session: Session,
}

const EMPTY: &str = "name = \"empty\"\nbrokers = 3\n";

impl Terminal {
    fn new() -> Self {
        let cluster = Cluster::new(&scenario(EMPTY), 1).unwrap();
        Self { shell: Shell::default(), session: Session(cluster) }
    }

    /// Lets simulated time pass, as the page does between frames.
    fn wait(&mut self, seconds: u64) {
        for _ in 0..seconds * 20 {
            let until = self.session.0.now() + Duration::from_millis(50);
            self.session.0.run_until(until);
            self.shell.poll(&mut self.session);
        }
    }

    fn type_line(&mut self, line: &str) -> &mut Self {
        self.shell.submit(line, &mut self.session);
        self
    }

    /// Runs a command to its end and returns what it wrote.
    fn run(&mut self, line: &str) -> Vec<String> {
        let before = self.shell.lines().len();
        self.type_line(line).wait(5);
        assert!(self.shell.running().is_none(), "{line} goes on");
        self.written_since(before, LineKind::Output)
    }

    fn written_since(&self, before: usize, kind: LineKind) -> Vec<String> {
        let lines = self.shell.lines()[before..].iter();
        lines.filter(|line| line.kind == kind).map(|line| line.text.to_string()).collect()
    }

    fn errors(&self) -> Vec<String> {
        self.written_since(0, LineKind::Error)
    }

    fn hints(&self) -> String {
        self.written_since(0, LineKind::Hint).join("\n")
    }
}

const AT: &str = "--bootstrap-server localhost:9092";

#[test]
fn three_lines_typed_into_one_terminal_come_out_of_a_group_in_another() {
    for suffix in ["", ".sh"] {
        let mut terminal = Terminal::new();
        let create = format!(
            "kafka-topics{suffix} --create --topic user-actions {AT} --partitions 3 --replication-factor 1"
        );
        assert_eq!(terminal.run(&create), ["Created topic user-actions."]);
        terminal.type_line(&format!("kafka-console-producer{suffix} --topic user-actions {AT}"));
        terminal.wait(1);
        assert_eq!(terminal.shell.prompt(), ">");
        for line in ["Hello", "UserLoggedIn", "OrderPlaced"] {
            terminal.type_line(line);
        }
        terminal.wait(2);
        terminal.shell.end_of_input(&mut terminal.session);
        terminal.wait(2);
        assert_eq!(terminal.shell.running(), None);
        let consume = format!(
            "kafka-console-consumer{suffix} --topic user-actions {AT} --from-beginning --group app-workers"
        );
        let before = terminal.shell.lines().len();
        terminal.type_line(&consume).wait(10);
        let mut printed = terminal.written_since(before, LineKind::Output);
        printed.sort();
        assert_eq!(printed, ["Hello", "OrderPlaced", "UserLoggedIn"]);
        let group = terminal.session.0.group("app-workers").expect("the group exists");
        assert_eq!((group.members().len(), group.state().name()), (1, "Stable"));
        terminal.shell.interrupt(&mut terminal.session);
        terminal.wait(3);
        assert_eq!(terminal.shell.running(), None);
        assert_eq!(terminal.errors().last().unwrap(), "Processed a total of 3 messages");
        // The group has read everything: a second run prints nothing.
        let before = terminal.shell.lines().len();
        terminal.type_line(&consume).wait(10);
        assert!(terminal.written_since(before, LineKind::Output).is_empty());
    }
}

#[test]
fn lines_typed_before_the_producer_is_ready_are_sent_before_it_ends() {
    let mut terminal = Terminal::new();
    terminal.run(&format!("kafka-topics --create --topic clicks {AT} --partitions 3"));
    terminal.type_line(&format!("kafka-console-producer --topic clicks {AT}"));
    // No simulated time passes between the lines and Ctrl+D.
    terminal.type_line("one").type_line("two").type_line("three");
    terminal.shell.end_of_input(&mut terminal.session);
    terminal.wait(5);
    assert_eq!(terminal.shell.running(), None);
    let before = terminal.shell.lines().len();
    terminal.type_line(&format!(
        "kafka-console-consumer --topic clicks {AT} --from-beginning --max-messages 3"
    ));
    terminal.wait(10);
    let mut printed = terminal.written_since(before, LineKind::Output);
    printed.sort();
    assert_eq!(printed, ["one", "three", "two"]);
}

#[test]
fn a_consumer_with_a_limit_leaves_the_rest_to_the_next_one_of_its_group() {
    let mut terminal = Terminal::new();
    terminal.run(&format!("kafka-topics --create --topic clicks {AT} --partitions 1"));
    terminal.type_line(&format!("kafka-console-producer --topic clicks {AT}"));
    for line in ["1", "2", "3", "4", "5"] {
        terminal.type_line(line);
    }
    terminal.shell.end_of_input(&mut terminal.session);
    terminal.wait(5);
    let consume = format!(
        "kafka-console-consumer --topic clicks {AT} --from-beginning --group readers --max-messages 2"
    );
    for expected in [["1", "2"], ["3", "4"]] {
        let before = terminal.shell.lines().len();
        terminal.type_line(&consume).wait(10);
        assert_eq!(terminal.written_since(before, LineKind::Output), expected);
        let total = terminal.written_since(before, LineKind::Error).pop().unwrap();
        assert_eq!(total, "Processed a total of 2 messages");
    }
}

#[test]
fn a_group_that_the_tool_made_up_commits_nothing() {
    let mut terminal = Terminal::new();
    terminal.run(&format!("kafka-topics --create --topic clicks {AT} --partitions 1"));
    terminal.type_line(&format!("kafka-console-consumer --topic clicks {AT} --from-beginning"));
    terminal.wait(20);
    let committed = terminal.session.0.log_book().notable_since(0).any(|logged| {
        matches!(logged.event, brokerscope::kafka::event::Event::OffsetsCommitted { .. })
    });
    assert!(!committed);
}

#[test]
fn the_protocol_that_the_tool_praises_can_be_tried_out() {
    let mut terminal = Terminal::new();
    terminal.run(&format!("kafka-topics --create --topic clicks {AT} --partitions 1"));
    let consumer = format!("kafka-console-consumer --topic clicks {AT}");
    terminal
        .type_line(&format!("{consumer} --group app --command-property group.protocol=consumer"));
    terminal.wait(5);
    assert!(terminal.shell.running().is_some());
    let group = terminal.session.0.group("app").unwrap();
    assert_eq!((group.type_name(), group.state().name()), ("Consumer", "Stable"));
}

#[test]
fn an_interrupted_question_ends_at_once_even_while_time_stands_still() {
    let mut terminal = Terminal::new();
    terminal.type_line(&format!("kafka-topics --list {AT}"));
    assert!(terminal.shell.running().is_some());
    terminal.shell.interrupt(&mut terminal.session);
    assert_eq!((terminal.shell.running(), terminal.shell.last_code()), (None, 130));
}

#[test]
fn a_line_that_is_given_up_is_logged_with_its_topic_and_sizes() {
    let mut terminal = Terminal::new();
    terminal.type_line(&format!(
        "kafka-console-producer --topic nowhere {AT} --max-block-ms 2000 --reader-property \
         parse.key=true --reader-property key.separator=:"
    ));
    for broker in 1..=3 {
        terminal.session.0.apply(&Action::CrashBroker { broker, lose_disk: false }).unwrap();
    }
    terminal.type_line("alice:login").wait(5);
    let errors = terminal.errors().join("\n");
    let expected = "Error when sending message to topic nowhere with key: 5 bytes, value: 5 bytes with error: \
                    (org.apache.kafka.clients.producer.internals.ErrorLoggingCallback)\n\
                    org.apache.kafka.common.errors.TimeoutException: Topic nowhere not present in metadata after 2000 ms.";
    assert!(errors.contains(expected), "{errors}");
}

#[test]
fn keys_are_read_where_they_are_asked_for() {
    let mut terminal = Terminal::new();
    terminal.run(&format!(
        "kafka-topics --create --topic clicks {AT} --partitions 3 --replication-factor 3"
    ));
    terminal.type_line(&format!(
        "kafka-console-producer --topic clicks {AT} --reader-property parse.key=true --reader-property key.separator=:"
    ));
    terminal.wait(1);
    terminal.type_line("alice:login").type_line("alice:buy").wait(2);
    terminal.shell.end_of_input(&mut terminal.session);
    terminal.wait(2);
    let before = terminal.shell.lines().len();
    terminal.type_line(&format!(
        "kafka-console-consumer --topic clicks {AT} --from-beginning --max-messages 2 --formatter-property print.key=true"
    ));
    terminal.wait(10);
    assert_eq!(terminal.written_since(before, LineKind::Output), ["alice\tlogin", "alice\tbuy"]);
    assert_eq!(terminal.shell.running(), None);
}

#[test]
fn describe_and_list_tell_what_the_controller_knows() {
    let mut terminal = Terminal::new();
    terminal.run(&format!("kafka-topics --create --topic orders {AT} --partitions 2 --replication-factor 3 --config retention.ms=3600000"));
    terminal.run(&format!("kafka-topics --create --topic clicks {AT}"));
    assert_eq!(terminal.run(&format!("kafka-topics --list {AT}")), ["clicks", "orders"]);
    let described = terminal.run(&format!("kafka-topics --describe --topic orders {AT}"));
    assert_eq!(described.len(), 3);
    let fields: Vec<&str> = described[0].split('\t').collect();
    assert_eq!(fields[0], "Topic: orders");
    assert_eq!(fields[1].len(), "TopicId: ".len() + 22);
    assert_eq!(
        fields[2..],
        [
            "PartitionCount: 2",
            "ReplicationFactor: 3",
            "Configs: min.insync.replicas=1,retention.ms=3600000"
        ]
    );
    assert!(described[1].starts_with("\tTopic: orders\tPartition: 0\tLeader: "));
    assert!(described[1].ends_with("\tElr: \tLastKnownElr: "));
}

#[test]
fn refusals_are_kafkas_own() {
    let mut terminal = Terminal::new();
    let too_many =
        format!("kafka-topics --create --topic t {AT} --partitions 1 --replication-factor 5");
    assert_eq!(
        terminal.run(&too_many),
        [
            "Error while executing topic command : Unable to replicate the partition 5 time(s): The target \
          replication factor of 5 cannot be reached because only 3 broker(s) are registered or some \
          brokers have all their log directories cordoned."
        ]
    );
    assert_eq!(terminal.shell.last_code(), 1);
    assert!(terminal.errors()[0].contains(
        "ERROR org.apache.kafka.common.errors.InvalidReplicationFactorException: Unable to replicate"
    ));
    assert_eq!(
        terminal.run(&format!("kafka-topics --describe --topic nope {AT}")),
        ["Error while executing topic command : Topic 'nope' does not exist as expected"]
    );
    assert_eq!(
        terminal.run(&format!(
            "kafka-topics --create --topic my_topic --partitions 1 --replication-factor 1 {AT}"
        )),
        [
            "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could \
          collide. To avoid issues it is best to use either, but not both.",
            "Created topic my_topic."
        ]
    );
    terminal.run(&format!("kafka-topics {AT}"));
    assert_eq!(
        terminal.errors().last().unwrap(),
        "Command must include exactly one action: --list, --describe, --create, --alter or --delete"
    );
}

#[test]
fn what_is_not_known_gets_an_answer_that_helps() {
    let mut terminal = Terminal::new();
    terminal.run("kafka-topcis --list");
    assert!(terminal.hints().contains("Did you mean kafka-topics?"));
    terminal.run("kafka-configs --describe");
    assert!(terminal.hints().contains("Real Kafka has kafka-configs"));
    terminal.run(&format!("kafka-topics --lsit {AT}"));
    assert!(terminal.hints().contains("Did you mean --list?"));
    terminal.run("echo hello | kafka-console-producer");
    assert!(terminal.hints().contains("Pipes are not simulated yet"));
    terminal.run("kafka-topics --create 'unclosed");
    assert_eq!(terminal.errors().last().unwrap(), "unexpected end of line: a quote is not closed");
    // A tool with a bad setting says so and leaves nobody behind.
    let clients = terminal.session.0.producers().count();
    terminal.run(&format!("kafka-console-producer --topic t {AT} --command-property acks=7"));
    assert!(terminal.errors().last().unwrap().contains("String must be one of: all, -1, 0, 1"));
    assert_eq!(terminal.session.0.producers().count(), clients);
}
