//! The terminal: Kafka's three commands as they are written, and what is typed by mistake.

use thirtyfour::error::WebDriverResult;
use thirtyfour::{By, Key, TypingData};

use crate::browser::journey;
use crate::learner::Pace;
use crate::page::Page;

const SERVER: &str = "--bootstrap-server localhost:9092";

#[test]
fn the_three_commands_create_write_and_read() {
    journey("three-commands", async |page| three_commands(page, "").await);
}

#[test]
fn the_three_commands_work_as_kafkas_scripts_too() {
    journey("three-scripts", async |page| three_commands(page, ".sh").await);
}

async fn three_commands(page: &Page, ending: &str) -> WebDriverResult<()> {
    open_terminal(page).await?;
    let topics = format!("kafka-topics{ending}");
    enter(
        page,
        &format!(
            "{topics} --create --topic user-actions {SERVER} --partitions 3 --replication-factor 1"
        ),
    )
    .await?;
    printed(page, &["Created topic user-actions."]).await?;

    prompt(page, "$").await?;
    enter(page, &format!("{topics} --list {SERVER}")).await?;
    printed(page, &["\norders\nuser-actions"]).await?;
    prompt(page, "$").await?;
    enter(page, &format!("{topics} --describe --topic user-actions {SERVER}")).await?;
    printed(page, &["PartitionCount: 3", "ReplicationFactor: 1", "Partition: 2"]).await?;

    prompt(page, "$").await?;
    enter(page, &format!("kafka-console-producer{ending} --topic user-actions {SERVER}")).await?;
    prompt(page, ">").await?;
    let lines = ["Hello", "UserLoggedIn", "OrderPlaced", "<img src=x onerror=alert(1)><b>bold</b>"];
    for line in lines {
        enter(page, line).await?;
    }
    page.role("button", Some("Producer console-producer: sending…")).await?;
    page.press_ctrl('d').await?;
    prompt(page, "$").await?;

    enter(page, "clear").await?;
    page.text_of("log", Some("Output"), "an empty screen", |text| !text.contains("Hello")).await?;
    let reader = format!("kafka-console-consumer{ending} --topic user-actions {SERVER}");
    enter(page, &format!("{reader} --from-beginning --group app-workers")).await?;
    for line in lines {
        printed(page, &[&format!("\n{line}")]).await?;
    }
    page.screenshot(&format!("terminal{ending}")).await?;
    page.press_ctrl('c').await?;
    printed(page, &["Processed a total of 4 messages"]).await?;
    prompt(page, "$").await?;
    let elements = page.driver().find_all(By::Css("[role=log] b, [role=log] img")).await?;
    assert_eq!(elements.len(), 0, "what looks like HTML stays text");
    Ok(())
}

#[test]
fn a_mistyped_command_or_flag_is_answered_with_what_was_meant() {
    journey("terminal-help", async |page| {
        open_terminal(page).await?;
        for (line, answers) in [
            (
                "kafka-topic --list",
                ["kafka-topic: command not found", "Did you mean kafka-topics?"],
            ),
            ("kafka-topics --lst", ["lst is not a recognized option", "Did you mean --list?"]),
            ("kafka-topics --list", ["--bootstrap-server must be specified", "localhost:9092"]),
            ("rm -rf /", ["rm: command not found", "`help` lists every command."]),
            ("help", ["kafka-console-consumer", "Ctrl+C ends a running command"]),
        ] {
            prompt(page, "$").await?;
            enter(page, line).await?;
            printed(page, &answers).await?;
        }
        page.press(Key::Up).await?;
        assert_eq!(page.value("Command line").await?, "help");
        page.press(Key::Up).await?;
        assert_eq!(page.value("Command line").await?, "rm -rf /");
        Ok(())
    });
}

#[test]
fn the_terminal_prints_what_kafka_refuses() {
    journey("terminal-refusals", async |page| {
        open_terminal(page).await?;
        for (line, answer) in [
            (
                "--alter --topic orders --partitions 2",
                "The topic orders currently has 3 partition(s); 2 would not be an increase.",
            ),
            ("--create --topic orders --partitions 1", "Topic 'orders' already exists."),
            (
                "--create --topic big --replication-factor 4",
                "Unable to replicate the partition 4 time(s): The target replication factor of 4 cannot be reached because only 3 broker(s) are registered",
            ),
            (
                "--create --topic '<b>'",
                "Topic name is invalid: '<b>' contains one or more characters other than ASCII alphanumerics",
            ),
        ] {
            prompt(page, "$").await?;
            enter(page, &format!("kafka-topics {line} {SERVER}")).await?;
            printed(page, &["Error while executing topic command :", answer]).await?;
        }
        prompt(page, "$").await?;
        enter(page, &format!("kafka-topics --list {SERVER}")).await?;
        let fits = |text: &str| {
            let listed =
                text.rsplit_once(&format!("--list {SERVER}\n")).map_or("", |(_, list)| list);
            listed.lines().filter(|topic| !topic.starts_with("__")).eq(["orders"])
        };
        page.text_of("log", Some("Output"), "one topic, as before", fits).await.map(drop)
    });
}

#[test]
fn the_terminal_takes_the_focus_and_tells_who_typed_while_time_stood_still() {
    journey("terminal-paused", async |page| {
        page.open("#/sandbox").await?;
        page.click("button", "Pause").await?;
        page.click("button", "Terminal").await?;
        page.wait_for("the focus in the terminal", async || {
            Ok((page.focused().await? == r#"textbox "Command line""#).then_some(()))
        })
        .await?;
        page.press(TypingData::from(format!("kafka-topics --list {SERVER}")) + Key::Enter).await?;
        let fits = |text: &str| text.contains("answers come when it goes on");
        page.text_of("region", Some("Terminal"), "why there is no answer", fits).await?;
        page.click("button", "Play on").await?;
        printed(page, &["orders"]).await
    });
}

async fn open_terminal(page: &Page) -> WebDriverResult<()> {
    page.open("#/sandbox").await?;
    page.pace(Pace::Brisk).await?;
    page.click("button", "Terminal").await
}

async fn enter(page: &Page, line: &str) -> WebDriverResult<()> {
    let input = page.role("textbox", Some("Command line")).await?;
    input.send_keys(TypingData::from(line) + Key::Enter).await
}

/// Waits until the screen shows all of this.
async fn printed(page: &Page, words: &[&str]) -> WebDriverResult<()> {
    let fits = |text: &str| {
        let text = text.replace('\t', " ");
        words.iter().all(|word| text.contains(word))
    };
    page.text_of("log", Some("Output"), &format!("{words:?}"), fits).await.map(drop)
}

/// Waits for this prompt before the input: a tool has ended, or begun to read.
async fn prompt(page: &Page, prompt: &str) -> WebDriverResult<()> {
    page.wait_for(&format!("prompt {prompt}"), async || {
        let label = page.driver().find(By::Css("label[for=terminal-line]")).await?;
        Ok((label.text().await? == prompt).then_some(()))
    })
    .await
}
