//! The first visit: the page opens, at any size and in both looks.

use crate::browser::journey;
use crate::page::{Page, Preferences};

#[test]
fn the_page_opens_and_names_itself() {
    journey("opens", async |page| {
        page.open("").await?;
        page.role("heading", Some("Brokerscope")).await?;
        page.screenshot("first-visit-light").await.map(drop)
    });
}

#[test]
fn the_page_fits_a_phone_in_the_dark() {
    journey("phone", async |page| {
        page.show_on(Page::PHONE).await?;
        page.prefer(Preferences { dark: true, reduced_motion: true }).await?;
        page.open("").await?;
        page.role("heading", Some("Brokerscope")).await?;
        let script = "return document.documentElement.scrollWidth";
        let width: u32 = page.driver().execute(script, Vec::new()).await?.convert()?;
        assert!(width <= 390, "the page is {width} pixels wide");
        page.screenshot("first-visit-phone-dark").await.map(drop)
    });
}
