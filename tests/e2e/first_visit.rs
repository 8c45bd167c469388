//! The first visit: the page opens, at any size and in both looks.

use std::fs;
use std::path::Path;

use crate::browser::{journey, journey_on};
use crate::page::{Page, Preferences};

#[test]
fn the_page_opens_and_names_itself() {
    journey("opens", async |page| {
        page.open("").await?;
        page.role("heading", Some("Five workers, one working")).await?;
        page.screenshot("first-visit-light").await.map(drop)
    });
}

#[test]
fn the_page_fits_a_phone_in_the_dark() {
    journey("phone", async |page| {
        page.show_on(Page::PHONE).await?;
        page.prefer(Preferences { dark: true, reduced_motion: true }).await?;
        page.open("").await?;
        page.role("heading", Some("Five workers, one working")).await?;
        let script = "return document.documentElement.scrollWidth";
        let width: u32 = page.driver().execute(script, Vec::new()).await?.convert()?;
        assert!(width <= 390, "the page is {width} pixels wide");
        page.screenshot("first-visit-phone-dark").await.map(drop)
    });
}

#[test]
fn a_page_that_cannot_start_says_so() {
    let folder = "target/e2e-without-wasm";
    copy_without_wasm(folder);
    journey_on(folder, "cannot-start", async |page| {
        page.driver().goto(page.address()).await?;
        let text = page.role("alert", None).await?.text().await?;
        assert!(text.starts_with("Brokerscope could not start"), "{text}");
        page.forgive();
        Ok(())
    });
}

fn copy_without_wasm(folder: &str) {
    let root = Path::new(".");
    fs::create_dir_all(root.join(folder)).expect("the folder can be made");
    for entry in fs::read_dir(root.join("dist")).expect("`cargo xtask build` fills dist/") {
        let file = entry.expect("the folder can be read").path();
        if file.is_file() && file.extension().is_none_or(|ending| ending != "wasm") {
            let name = file.file_name().expect("a file has a name");
            fs::copy(&file, root.join(folder).join(name)).expect("the file can be copied");
        }
    }
}
