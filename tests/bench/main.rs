//! Measurements inside Chromium: the speed of the engine, and the work of a frame. They assert nothing
//! about time; `cargo xtask bench` runs them and prints what they say.

#![cfg(target_arch = "wasm32")]

#[path = "../../src/bin/scope/bench/engine.rs"]
mod engine;
#[cfg(feature = "ui")]
mod frame;

use brokerscope::cluster::Scenario;
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// Events of each cluster, as `cargo scope bench` takes without being told.
const EVENTS: u64 = 500_000;

/// Milliseconds on the browser's clock.
fn now() -> f64 {
    let window = web_sys::window().expect("the bench runs in a window");
    window.performance().expect("browsers have a clock").now()
}

fn scenario(text: &str) -> Scenario {
    toml::from_str(text).expect("the native suite reads every scenario")
}

#[wasm_bindgen_test]
async fn engine_events_a_second() {
    let seconds = || now() / 1e3;
    console_log!("{}", engine::HEADER);
    for (name, text) in engine::CLUSTERS {
        let mut race = engine::Race::new(&scenario(text), EVENTS);
        for turn in 0..engine::TURNS {
            race.turn(&seconds);
            if turn % 10 == 0 {
                rest().await;
            }
        }
        console_log!("{}", race.line(name));
    }
}

/// Lets the browser see to its own affairs.
async fn rest() {
    let later = js_sys::Promise::new(&mut |resolve, _| {
        let window = web_sys::window().expect("the bench runs in a window");
        let timer = window.set_timeout_with_callback(&resolve);
        timer.expect("windows have timers");
    });
    later.await.expect("timers do not fail");
}

#[cfg(feature = "ui")]
#[wasm_bindgen_test]
async fn work_of_a_frame() {
    console_log!("{}", frame::HEADER);
    for records in [100, 1_000, 5_000] {
        frame::measure(records).await;
    }
}
