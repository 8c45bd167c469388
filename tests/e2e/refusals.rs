//! What Kafka refuses is refused in its own words, and nothing is lost by asking.

use thirtyfour::error::WebDriverResult;

use crate::browser::journey;
use crate::learner::Pace;
use crate::page::Page;

#[test]
fn fewer_partitions_are_refused_and_nothing_changes() {
    journey("refused-partitions", async |page| {
        begin(page).await?;
        page.put("Partitions", "2").await?;
        said(page, "InvalidPartitionsException: The topic orders currently has 3 partition(s); 2 would not be an increase.")
            .await?;
        said(page, "A topic can only get more partitions, never fewer").await?;
        assert_eq!(page.value("Partitions").await?, "3");
        page.put("Partitions", "4").await?;
        wait_for_value(page, "Partitions", "4").await?;
        nothing_is_lost(page).await
    });
}

#[test]
fn more_copies_than_brokers_are_refused_until_there_is_a_broker_for_each() {
    journey("refused-copies", async |page| {
        begin(page).await?;
        page.put("Copies of each", "4").await?;
        said(page, "InvalidReplicationFactorException: Unable to replicate the partition 4 time(s): The target replication factor of 4 cannot be reached because only 3 broker(s) are registered")
            .await?;
        said(page, "Each copy needs a broker of its own.").await?;
        assert_eq!(page.value("Copies of each").await?, "2");
        page.click("button", "Brokers: one more").await?;
        page.role("button", Some("Broker 4: running…")).await?;
        page.put("Copies of each", "4").await?;
        wait_for_value(page, "Copies of each", "4").await?;
        nothing_is_lost(page).await
    });
}

#[test]
fn any_setting_is_set_by_its_name_and_a_wrong_value_is_refused() {
    journey("refused-setting", async |page| {
        begin(page).await?;
        page.choose("Of", "all workers").await?;
        page.choose("Setting", "max.poll.records").await?;
        page.put("Value", "0").await?;
        said(page, "Invalid value 0 for configuration max.poll.records: Value must be at least 1")
            .await?;
        wait_for_value(page, "Value", "10").await?;
        page.put("Value", "3").await?;
        page.click("button", "Back to the default").await?;
        wait_for_value(page, "Value", "500").await?;
        page.screenshot("every-setting").await?;
        nothing_is_lost(page).await
    });
}

async fn begin(page: &Page) -> WebDriverResult<()> {
    page.open("#/sandbox").await?;
    page.pace(Pace::Brisk).await?;
    page.click("button", "Records").await
}

/// Waits until the guide beside the stage says so.
async fn said(page: &Page, words: &str) -> WebDriverResult<()> {
    let fits = |text: &str| text.contains(words);
    page.text_of("complementary", Some("Guide"), words, fits).await.map(drop)
}

async fn wait_for_value(page: &Page, field: &str, value: &str) -> WebDriverResult<()> {
    page.wait_for(&format!("{field} {value}"), async || {
        Ok((page.value(field).await? == value).then_some(()))
    })
    .await
}

/// Records are acknowledged as before, and the ledger names none that is lost or given up.
async fn nothing_is_lost(page: &Page) -> WebDriverResult<()> {
    let before = acknowledged(&page.text_of("region", Some("Records"), "text", |_| true).await?);
    let grown = |text: &str| acknowledged(text) > before;
    let ledger = page.text_of("region", Some("Records"), "more acknowledged", grown).await?;
    for fate in ["lost", "given up", "unavailable"] {
        assert!(!ledger.lines().any(|line| line == fate), "{ledger}");
    }
    Ok(())
}

/// The number below the word in the ledger.
fn acknowledged(ledger: &str) -> u64 {
    let mut lines = ledger.lines().skip_while(|line| *line != "acknowledged");
    let number = lines.nth(1).unwrap_or_default();
    number.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}
