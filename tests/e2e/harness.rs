//! The harness on a page of its own: it finds, it acts, and it notices what it must notice.

use thirtyfour::Key;

use crate::browser::journey_on;

const FIXTURE: &str = "tests/e2e/fixture";

#[test]
fn elements_are_found_by_role_and_name_and_waited_for() {
    journey_on(FIXTURE, "harness", async |page| {
        page.open("").await?;
        page.type_into("textbox", "Topic", "user-actions").await?;
        page.press(Key::Tab).await?;
        assert_eq!(page.focused().await?, r#"button "Create""#);
        page.click("button", "Create").await?;
        let text = page.text_where("state", |text| text != "nothing").await?;
        assert_eq!(text, "created user-actions");
        assert!(!page.has_role("button", "Hidden").await?, "what is hidden is not in the tree");
        Ok(())
    });
}

#[test]
fn a_journey_does_not_end_quietly_after_an_error_a_missing_file_or_a_call_home() {
    journey_on(FIXTURE, "complaints", async |page| {
        page.open("").await?;
        assert_eq!(page.complaints().await?, Vec::<String>::new());
        for (button, complaint) in
            [("Break", "broken"), ("Miss", "missing.json"), ("Call home", "127.0.0.1:9/beacon")]
        {
            page.click("button", button).await?;
            page.wait_for(complaint, async || {
                let complaints = page.complaints().await?;
                Ok(complaints.iter().any(|line| line.contains(complaint)).then_some(()))
            })
            .await?;
        }
        page.forgive();
        Ok(())
    });
}
