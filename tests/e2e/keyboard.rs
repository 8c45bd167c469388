//! Without a pointer: a whole lesson, an order of stops that makes sense, and no trap.

use thirtyfour::Key;
use thirtyfour::error::WebDriverResult;

use crate::browser::journey;
use crate::page::Page;

#[test]
fn the_keyboard_stops_in_the_order_of_the_page() {
    journey("keyboard-order", async |page| {
        page.open("").await?;
        let passed = page.tab_to("slider", "Speed").await?;
        let wanted = [
            r#"button "Skip to the cluster""#,
            r#"link "Brokerscope""#,
            r#"link "Lessons""#,
            r#"link "Sandbox""#,
            r#"button "Charts""#,
            r#"button "Terminal""#,
            r#"button "Keyboard shortcuts""#,
            r#"link "Find out why""#,
            r#"button "Controller:"#,
            r#"button "Broker 1:"#,
            r#"button "Group app-workers:"#,
            r#"button "Start again""#,
            r#"button "Pause""#,
            r#"button "Step one event""#,
        ];
        let mut rest = passed.iter();
        for stop in wanted {
            let found = rest.any(|name| name.starts_with(stop));
            assert!(found, "{stop} does not come in its place: {passed:#?}");
        }
        let nameless: Vec<_> = passed.iter().filter(|stop| stop.ends_with("\"\"")).collect();
        assert!(nameless.is_empty(), "stops without a name: {nameless:?} among {passed:#?}");
        Ok(())
    });
}

#[test]
fn the_first_stop_leads_past_the_header_to_the_cluster() {
    journey("keyboard-skip", async |page| {
        page.open("").await?;
        page.tab_to("button", "Skip to the cluster").await?;
        page.press(Key::Enter).await?;
        assert_eq!(page.focused().await?, r#"main "The cluster""#);
        page.tab_to("button", "Broker 1:").await?;
        Ok(())
    });
}

#[test]
fn the_list_of_shortcuts_opens_and_closes_and_gives_the_focus_back() {
    journey("keyboard-shortcuts", async |page| {
        page.open("").await?;
        page.tab_to("link", "Find out why").await?;
        page.press("?").await?;
        page.role("dialog", Some("Keyboard shortcuts")).await?;
        page.press(Key::Escape).await?;
        page.wait_for("the focus back", async || {
            Ok((page.focused().await? == r#"link "Find out why""#).then_some(()))
        })
        .await?;
        for (key, drawer) in
            [("1", "Charts"), ("2", "Records"), ("3", "What happened"), ("4", "As text")]
        {
            page.press(key).await?;
            page.role("region", Some(drawer)).await?;
        }
        // On a button or a link, Space is theirs.
        page.tab_to("button", "Broker 1:").await?;
        page.press(Key::Right).await?;
        page.press(".").await?;
        page.role("button", Some("Play")).await.map(drop)
    });
}

#[test]
fn arrows_go_on_from_what_was_clicked_and_from_a_groups_heading() {
    journey("keyboard-arrows", async |page| {
        page.open("").await?;
        page.click("button", "Broker 3:…").await?;
        page.press(Key::Escape).await?;
        begins_with(page, r#"button "Broker 3:"#).await?;
        page.press(Key::Up).await?;
        begins_with(page, r#"button "Broker 2:"#).await?;
        page.click("button", "Group app-workers:…").await?;
        page.press(Key::Escape).await?;
        begins_with(page, r#"button "Group app-workers:"#).await?;
        page.press(Key::Down).await?;
        begins_with(page, r#"button "Consumer worker-1:"#).await
    });
}

#[test]
fn a_whole_lesson_is_done_without_a_pointer() {
    journey("keyboard-lesson", async |page| {
        page.open("").await?;
        enter(page, "link", "Find out why").await?;
        page.role("heading", Some("The orders pile up")).await?;
        enter(page, "button", "Next").await?;
        focused_on(page, r#"heading "Five workers: how fast?""#).await?;
        answer(page, "About 60: five times twelve", 1).await?;
        run(page).await?;
        enter(page, "button", "Next").await?;
        focused_on(page, r#"heading "Put all five to work""#).await?;
        page.tab_to("textbox", "Partitions").await?;
        page.press_ctrl('a').await?;
        page.press("5" + Key::Enter).await?;
        // Time stops when the partitions are there.
        page.role("button", Some("Play")).await?;
        enter(page, "button", "Play").await?;
        enter(page, "button", "Next").await?;
        focused_on(page, r#"heading "And the old orders?""#).await?;
        answer(page, "Spread over all five partitions", 1).await?;
        run(page).await?;
        enter(page, "button", "Next").await?;
        focused_on(page, r#"heading "The partition is the unit of sharing""#).await?;
        enter(page, "button", "Next").await?;
        focused_on(page, r#"heading "Without looking""#).await?;
        // The last of three answers: on the way to it the keyboard passes the second.
        answer(page, "The lag shrinks: twice the workers, twice the speed", 2).await?;
        enter(page, "button", "Check the answer").await?;
        enter(page, "button", "Finish").await?;
        focused_on(page, r#"heading "Done""#).await
    });
}

/// Goes to a control and presses Enter there; waits until it is there.
async fn enter(page: &Page, role: &str, name: &str) -> WebDriverResult<()> {
    page.role(role, Some(name)).await?;
    page.tab_to(role, &format!("{name}\"")).await?;
    page.press(Key::Enter).await
}

/// Goes to the first answer, then down by so many.
async fn answer(page: &Page, first: &str, down: usize) -> WebDriverResult<()> {
    page.tab_to("radio", first).await?;
    for _ in 0..down {
        page.press(Key::Down).await?;
    }
    Ok(())
}

/// Runs what was predicted, as fast as time passes.
async fn run(page: &Page) -> WebDriverResult<()> {
    enter(page, "button", "Run and see").await?;
    page.tab_to("slider", "Speed").await?;
    page.press(Key::End).await
}

async fn begins_with(page: &Page, wanted: &str) -> WebDriverResult<()> {
    page.wait_for(&format!("the focus on {wanted}"), async || {
        Ok(page.focused().await?.starts_with(wanted).then_some(()))
    })
    .await
}

async fn focused_on(page: &Page, wanted: &str) -> WebDriverResult<()> {
    page.wait_for(&format!("the focus on {wanted}"), async || {
        Ok((page.focused().await? == wanted).then_some(()))
    })
    .await
}
