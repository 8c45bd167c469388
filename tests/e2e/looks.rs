//! Every place at both sizes and in both looks: nothing runs over the edge, nothing is cut off,
//! nothing moves that was asked not to.

use serde_json::Value;
use thirtyfour::error::WebDriverResult;

use crate::browser::journey;
use crate::page::{Page, Preferences};

const PLACES: [&str; 6] = [
    "",
    "#/lessons",
    "#/sandbox",
    "#/lesson/one-partition",
    "#/lesson/no-replication",
    "#/nowhere",
];

/// What is cut off or runs over an edge, as a person would name it. Kept out: what only screen
/// readers get, what is shortened with an ellipsis on purpose, and wide tables in a drawer that scrolls.
const CUT_OFF: &str = "
    const name = (element) => `${element.tagName}.${element.getAttribute('class')}: ` +
        `${(element.getAttribute('aria-label') || element.textContent).trim().slice(0, 60)}`;
    const wide = document.documentElement.scrollWidth - innerWidth;
    const faults = wide > 0 ? [`the page is ${wide} pixels too wide`] : [];
    for (const element of document.querySelectorAll('button, a, input, select, summary, h1, h2, h3, p, li, td, th, dt, dd, label, legend')) {
        if (element.closest('.unseen, .skip, details:not([open]) .pop-body, dialog:not([open])')) continue;
        const scroller = element.closest('table') && element.closest('.drawer-body');
        if (scroller && scroller.scrollWidth > scroller.clientWidth) continue;
        const box = element.getBoundingClientRect(), style = getComputedStyle(element);
        if (box.width === 0 || style.visibility === 'hidden') continue;
        if (box.left < -1 || box.right > innerWidth + 1) faults.push(`over the edge: ${name(element)}`);
        const cut = style.overflowX !== 'visible' && style.textOverflow !== 'ellipsis' && element.tagName !== 'INPUT';
        if (cut && (element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1))
            faults.push(`cut off: ${name(element)}`);
        const holder = element.closest('button, a');
        if (holder && holder !== element) continue;
        if (element.matches('button, a.button') && element.scrollWidth > element.clientWidth + 1)
            faults.push(`too narrow for its words: ${name(element)}`);
    }
    return faults";

/// Links to proofs that lead nowhere.
const WITHOUT_A_FILE: &str = "
    return [...document.querySelectorAll('a[href^=proof]')].map((link) => link.href).filter((address) => {
        const request = new XMLHttpRequest();
        request.open('GET', address, false);
        request.send();
        return request.status !== 200 || request.responseText.length === 0;
    })";

#[test]
fn the_page_tells_how_true_it_is_and_every_proof_is_there() {
    journey("how-true", async |page| {
        for (screen, dark) in [(Page::DESKTOP, false), (Page::PHONE, true)] {
            page.show_on(screen).await?;
            page.prefer(Preferences { dark, reduced_motion: false }).await?;
            page.open("#/lessons").await?;
            page.click("link", "How true to Kafka is this?").await?;
            page.role("main", Some("How true to Kafka is this?")).await?;
            sound(page, &format!("how true on {screen:?}")).await?;
            page.screenshot(if dark { "how-true-phone" } else { "how-true" }).await?;
        }
        let missing = page.driver().execute(WITHOUT_A_FILE, Vec::new()).await?;
        assert_eq!(missing.json(), &Value::Array(Vec::new()));
        Ok(())
    });
}

#[test]
fn nothing_is_cut_off_at_any_size_and_in_any_look() {
    journey("looks", async |page| {
        for (screen, dark) in [(Page::DESKTOP, false), (Page::PHONE, true), (Page::PHONE, false)] {
            page.show_on(screen).await?;
            page.prefer(Preferences { dark, reduced_motion: false }).await?;
            for place in PLACES {
                page.open(place).await?;
                page.role("heading", None).await?;
                sound(page, &format!("{place} on {screen:?}, dark: {dark}")).await?;
                for drawer in ["Charts", "Records", "What happened", "As text", "Terminal"] {
                    page.click("button", drawer).await?;
                    page.role("region", Some(drawer)).await?;
                    sound(page, &format!("{place} with {drawer} on {screen:?}")).await?;
                    page.click("button", drawer).await?;
                }
            }
        }
        Ok(())
    });
}

#[test]
fn a_phone_is_enough_to_play_in_the_sandbox() {
    journey("phone-sandbox", async |page| {
        page.show_on(Page::PHONE).await?;
        page.prefer(Preferences { dark: true, reduced_motion: true }).await?;
        page.open("#/sandbox").await?;
        page.click("button", "Partitions: one more").await?;
        page.click("button", "Broker 1:…").await?;
        page.role("dialog", Some("Broker 1")).await?;
        sound(page, "a broker's panel on a phone").await?;
        page.screenshot("phone-broker-dark").await?;
        page.click("button", "Kill it").await?;
        page.role("button", Some("Broker 1: crashed…")).await?;
        page.click("button", "Close").await?;
        page.screenshot("phone-sandbox-dark").await.map(drop)
    });
}

/// Watches what is painted: messages are circles that begin to the right, progress begins at the top,
/// and the pattern of a stream is moved by the offset of its dashes.
const WATCH: &str = "
    window.painted = { messages: 0, frames: 0, offsets: new Set(), spans: new Set() };
    const kind = CanvasRenderingContext2D.prototype, { arc, clearRect } = kind;
    kind.arc = function (x, y, radius, from, to, ...rest) {
        if (from === 0) painted.messages += 1; else painted.spans.add((to - from).toFixed(2));
        return arc.call(this, x, y, radius, from, to, ...rest);
    };
    kind.clearRect = function (...box) { painted.frames += 1; return clearRect.apply(this, box) };
    const offset = Object.getOwnPropertyDescriptor(kind, 'lineDashOffset');
    Object.defineProperty(kind, 'lineDashOffset', {
        ...offset, set(value) { painted.offsets.add(value.toFixed(2)); offset.set.call(this, value) },
    });";

/// How much of each was seen: frames, messages, places of the streams' pattern, lengths of progress.
const SEEN: &str =
    "return [painted.frames, painted.messages, painted.offsets.size, painted.spans.size]";

#[test]
fn who_asks_for_less_motion_gets_none_and_time_still_passes() {
    journey("reduced-motion", async |page| {
        page.before_opening(WATCH).await?;
        let [_, messages, offsets, spans] = painted(page, false).await?;
        assert!(messages > 0 && offsets > 1 && spans > 1, "{messages}, {offsets}, {spans}");
        let [frames, messages, offsets, spans] = painted(page, true).await?;
        assert!(frames > 0, "nothing is painted at all");
        assert_eq!(messages, 0, "messages travel");
        assert_eq!(offsets, 1, "streams are to be seen, and their pattern stands still");
        assert!(spans <= 1, "progress turns");
        let script = "return document.getAnimations().length";
        let moving: u32 = page.driver().execute(script, Vec::new()).await?.convert()?;
        assert_eq!(moving, 0, "animations run");
        Ok(())
    });
}

/// Lets time pass, slowly and then as fast as in life, and tells what was painted.
async fn painted(page: &Page, reduced_motion: bool) -> WebDriverResult<[u32; 4]> {
    page.prefer(Preferences { dark: false, reduced_motion }).await?;
    page.open("#/sandbox").await?;
    // The same address again is no new page.
    page.driver().refresh().await?;
    let begun = page.simulated_ms().await?;
    page.let_pass(begun + 300).await?;
    page.press("++++++++++").await?;
    page.let_pass(begun + 2_000).await?;
    page.driver().execute(SEEN, Vec::new()).await?.convert()
}

async fn sound(page: &Page, place: &str) -> WebDriverResult<()> {
    let answer = page.driver().execute(CUT_OFF, Vec::new()).await?;
    let faults = answer.json().as_array().cloned().unwrap_or_default();
    assert_eq!(faults, Vec::<Value>::new(), "{place}");
    Ok(())
}
