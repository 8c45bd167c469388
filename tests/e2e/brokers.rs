//! Brokers killed and started again, by pointer and by keyboard; what happens is told in words.

use thirtyfour::Key;
use thirtyfour::error::WebDriverResult;

use crate::browser::journey;
use crate::learner::Pace;
use crate::page::Page;

#[test]
fn a_broker_killed_by_a_click_gives_its_partitions_to_others_and_comes_back() {
    journey("broker-by-click", async |page| {
        page.open("#/sandbox").await?;
        page.click("button", "As text").await?;
        page.pace(Pace::Brisk).await?;
        page.act_on("Broker 1:", "Kill it").await?;
        page.role("button", Some("Broker 1: crashed…")).await?;
        told(page, "2 of 3 brokers run: broker 1 has crashed.").await?;
        leaders_where(page, |leaders| leaders.len() == 3 && leaders.iter().all(|id| id != "1"))
            .await?;
        page.act_on("Broker 1:", "Start it").await?;
        page.role("button", Some("Broker 1: running…")).await?;
        told(page, "3 brokers run.").await?;
        replicas_where(page, |rows| rows.iter().all(|row| !row.contains("not in sync"))).await?;
        Ok(())
    });
}

#[test]
fn a_broker_is_killed_and_started_again_by_keyboard() {
    journey("broker-by-keyboard", async |page| {
        page.open("#/sandbox").await?;
        page.pace(Pace::Brisk).await?;
        page.tab_to("button", "Broker 1: running").await?;
        page.press(Key::Down).await?;
        assert_begins(&page.focused().await?, r#"button "Broker 2:"#);
        page.press(Key::Enter).await?;
        page.wait_for("the panel in focus", async || {
            Ok((page.focused().await? == r#"dialog "Broker 2""#).then_some(()))
        })
        .await?;
        page.tab_to("button", "Kill it").await?;
        page.press(Key::Enter).await?;
        page.role("button", Some("Broker 2: crashed…")).await?;
        page.tab_to("button", "Start it").await?;
        page.press(Key::Enter).await?;
        page.role("button", Some("Broker 2: running…")).await?;
        page.press(Key::Escape).await?;
        assert_begins(&page.focused().await?, r#"button "Broker 2:"#);
        assert!(!page.has_role("dialog", "Broker 2").await?, "Escape closes the panel");
        Ok(())
    });
}

#[test]
fn a_killed_controller_is_replaced_by_the_vote_of_the_others() {
    journey("quorum", async |page| {
        page.open("#/sandbox/quorum").await?;
        page.pace(Pace::Brisk).await?;
        let first = active_controller(page, |_| true).await?;
        page.act_on(&format!("{first}:"), "Kill it").await?;
        let second = active_controller(page, |name| name != first).await?;
        page.role("button", Some(&format!("{first}: down…"))).await?;
        page.act_on(&format!("{second}:"), "Kill it").await?;
        page.role("button", Some(&format!("{second}: down…"))).await?;
        // One of three is no majority, and so it decides nothing.
        page.wait_for("a lone controller that asks for votes", async || {
            let names = page.names("button").await?;
            let asks =
                |name: &String| name.starts_with("Controller") && name.contains("prospective");
            Ok(names.iter().any(asks).then_some(()))
        })
        .await?;
        page.screenshot("quorum-lost").await?;
        page.act_on(&format!("{first}:"), "Start it").await?;
        active_controller(page, |name| name != second).await.map(drop)
    });
}

/// Waits until one of the controllers that are `wanted` decides; its name.
async fn active_controller(page: &Page, wanted: impl Fn(&str) -> bool) -> WebDriverResult<String> {
    page.wait_for("an active controller", async || {
        let names = page.names("button").await?;
        let mut active = names.iter().filter_map(|name| name.split_once(": active"));
        Ok(active.find(|(name, _)| wanted(name)).map(|(name, _)| name.to_owned()))
    })
    .await
}

#[test]
fn every_thing_that_can_be_done_to_a_broker_is_done_and_mended() {
    journey("broker-faults", async |page| {
        page.open("#/sandbox").await?;
        page.pace(Pace::Brisk).await?;
        for (act, state, remedy) in [
            ("Stop in order", "stopped", "Start it"),
            ("Kill it, lose its disk", "crashed, disk lost", "Start it"),
            ("Slow the disk", "slow disk", "Mend the disk"),
            ("Cut its network", "fenced", "Mend its network"),
        ] {
            page.act_on("Broker 3:", act).await?;
            page.role("button", Some(&format!("Broker 3: {state}…"))).await?;
            page.act_on("Broker 3:", remedy).await?;
            page.role("button", Some("Broker 3: running…")).await?;
        }
        Ok(())
    });
}

fn assert_begins(text: &str, beginning: &str) {
    assert!(text.starts_with(beginning), "{text}");
}

/// Waits until the text view says so.
async fn told(page: &Page, sentence: &str) -> WebDriverResult<()> {
    let fits = |text: &str| text.contains(sentence);
    page.text_of("region", Some("As text"), sentence, fits).await.map(drop)
}

async fn replicas_where(page: &Page, fits: impl Fn(&[&str]) -> bool) -> WebDriverResult<()> {
    let rows_fit = |text: &str| {
        let rows: Vec<_> = text.lines().filter(|line| line.starts_with("orders-")).collect();
        !rows.is_empty() && fits(&rows)
    };
    page.text_of("table", Some("Replicas"), "the awaited replicas", rows_fit).await.map(drop)
}

/// Waits until the brokers that lead a partition fit.
async fn leaders_where(page: &Page, fits: impl Fn(&[String]) -> bool) -> WebDriverResult<()> {
    replicas_where(page, |rows| {
        let words = rows.iter().map(|row| row.split_whitespace().collect::<Vec<_>>());
        let leaders: Vec<_> =
            words.filter(|words| words[2] == "leader").map(|words| words[1].to_owned()).collect();
        fits(&leaders)
    })
    .await
}
