//! What the page remembers, and what it does with addresses and memories that make no sense.

use brokerscope::lesson::Step;
use serde_json::Value;
use thirtyfour::error::WebDriverResult;

use crate::browser::journey;
use crate::learner::Pace;
use crate::lessons::{headline, lesson};
use crate::page::Page;

/// What somebody did who has solved the first lesson.
const PROGRESS: &str = r#"{"format":"brokerscope-progress","version":1,"lessons":{"one-partition":{"standing":"solved"}}}"#;

#[test]
fn what_was_solved_is_still_solved_after_a_reload() {
    journey("progress", async |page| {
        page.open("#/lessons").await?;
        assert!(!first_of_the_list(page).await?.contains("solved"));
        finish_the_first_lesson(page).await?;
        page.click("link", "Lessons").await?;
        solved(page).await?;
        page.driver().refresh().await?;
        solved(page).await
    });
}

#[test]
fn a_broken_memory_is_kept_aside_and_the_page_works() {
    journey("broken-progress", async |page| {
        page.open("").await?;
        for garbage in ["{not json", r#"{"format":"something-else","version":7}"#, "\"\"", ""] {
            remember(page, "brokerscope.progress", garbage).await?;
            remember(page, "brokerscope.theme", "<b>").await?;
            page.driver().refresh().await?;
            page.role("heading", Some("Five workers, one working")).await?;
            let guide = page.role("complementary", Some("Guide")).await?.text().await?;
            assert!(guide.contains("brokerscope.progress.unreadable"), "{guide}");
            page.click("button", "Understood").await?;
            page.driver().refresh().await?;
            page.click("link", "Lessons").await?;
            assert!(!page.has_role("button", "Understood").await?, "it is told once");
            assert!(!first_of_the_list(page).await?.contains("solved"));
            finish_the_first_lesson(page).await?;
            page.click("link", "Lessons").await?;
            solved(page).await?;
            let aside = remembered(page, "brokerscope.progress.unreadable").await?;
            assert_eq!(aside, Value::from(garbage));
            page.click("link", "Brokerscope").await?;
        }
        Ok(())
    });
}

#[test]
fn the_page_works_where_it_may_remember_nothing() {
    journey("forbidden-memory", async |page| {
        page.before_opening(
            "Object.defineProperty(window, 'localStorage', {
                get() { throw new DOMException('forbidden', 'SecurityError') } });",
        )
        .await?;
        page.open("").await?;
        page.click("button", "Look: as the system").await?;
        page.click("button", "Look: light").await?;
        page.role("button", Some("Look: dark")).await?;
        finish_the_first_lesson(page).await
    });
}

#[test]
fn an_address_that_leads_nowhere_says_so_and_leads_back() {
    journey("bad-address", async |page| {
        page.open("").await?;
        remember(page, "brokerscope.progress", PROGRESS).await?;
        for route in [
            "#nonsense",
            "#/nonsense",
            "#/lesson/no-such-lesson",
            "#/lesson/",
            "#/sandbox/nonsense",
            "#/<b>",
        ] {
            page.open(route).await?;
            page.role("heading", Some("There is nothing at this address.")).await?;
            page.click("link", "To the first screen").await?;
            page.role("heading", Some("Five workers, one working")).await?;
        }
        let kept = remembered(page, "brokerscope.progress").await?;
        assert_eq!(kept, Value::from(PROGRESS), "an address changes nothing of what was done");
        page.click("link", "Find out why").await?;
        page.role("heading", Some("The orders pile up")).await?;
        page.driver().back().await?;
        page.role("heading", Some("Five workers, one working")).await?;
        page.driver().forward().await?;
        page.role("heading", Some("The orders pile up")).await.map(drop)
    });
}

#[test]
fn a_lesson_waits_while_the_list_of_lessons_is_read() {
    journey("list-beside-a-lesson", async |page| {
        page.open("").await?;
        page.click("link", "Find out why").await?;
        let steps = &lesson("one-partition").steps;
        page.role("heading", Some(headline(&steps[0]))).await?;
        page.click("button", "Skip").await?;
        page.role("heading", Some(headline(&steps[1]))).await?;
        page.click("link", "Lessons").await?;
        page.role("heading", Some("Lessons")).await?;
        assert_eq!(page.driver().title().await?, "Lessons · Brokerscope");
        page.driver().back().await?;
        page.role("heading", Some(headline(&steps[1]))).await.map(drop)
    });
}

/// Finishes the first lesson by the shortest way that counts.
async fn finish_the_first_lesson(page: &Page) -> WebDriverResult<()> {
    page.click("link", "Brokerscope").await?;
    page.click("link", "Find out why").await?;
    for step in &lesson("one-partition").steps {
        page.role("heading", Some(headline(step))).await?;
        if matches!(step, Step::Act { .. }) {
            page.click("button", "Show solution").await?;
            page.pace(Pace::Fastest).await?;
            page.wait_for("the goal", async || {
                page.play_on().await?;
                page.has_role("button", "Next").await.map(|solved| solved.then_some(()))
            })
            .await?;
            page.click("button", "Next").await?;
        } else {
            page.click("button", "Skip").await?;
        }
    }
    page.role("heading", Some("Done")).await.map(drop)
}

/// The first lesson's entry in the list.
async fn first_of_the_list(page: &Page) -> WebDriverResult<String> {
    page.role("link", Some("C1…")).await?.text().await
}

async fn solved(page: &Page) -> WebDriverResult<()> {
    let fits = |text: &str| text.to_lowercase().contains("solved");
    page.text_of("link", Some("C1…"), "a solved lesson", fits).await.map(drop)
}

async fn remember(page: &Page, key: &str, text: &str) -> WebDriverResult<()> {
    let arguments = vec![Value::from(key), Value::from(text)];
    page.driver().execute("localStorage.setItem(...arguments)", arguments).await.map(drop)
}

async fn remembered(page: &Page, key: &str) -> WebDriverResult<Value> {
    let arguments = vec![Value::from(key)];
    let answer = page.driver().execute("return localStorage.getItem(...arguments)", arguments);
    Ok(answer.await?.json().clone())
}
