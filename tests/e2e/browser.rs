//! A browser for a journey: chromedriver, one session, and what to keep when a journey fails.

use std::io::{BufRead as _, BufReader};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use thirtyfour::common::capabilities::chromium::ChromiumLikeCapabilities as _;
use thirtyfour::error::WebDriverResult;
use thirtyfour::{ChromeCapabilities, DesiredCapabilities, LoggingPrefsLogLevel, WebDriver};
use tokio::runtime::{Builder, Runtime};

use crate::page::Page;
use crate::server::Server;

/// One journey at a time: two browsers on two cores only make each other slow.
static TURN: Mutex<()> = Mutex::new(());

const ARGUMENTS: [&str; 10] = [
    "--headless=new",
    // Chromium refuses to run as root with its sandbox on, and CI runs as root.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1280,900",
];

/// Walks one journey through the finished page, in a browser of its own.
///
/// `name` names the picture `target/screenshots/failed-NAME.png` that a failure leaves behind. The
/// journey also fails if the console holds an error or if a request left the page's own folder.
pub(crate) fn journey(name: &str, walk: impl AsyncFnOnce(&Page) -> WebDriverResult<()>) {
    journey_on("dist", name, walk);
}

/// The same through the page that lies in `folder` of the project.
pub(crate) fn journey_on(
    folder: &str,
    name: &str,
    walk: impl AsyncFnOnce(&Page) -> WebDriverResult<()>,
) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let server = Server::start(folder);
    let chromedriver = Chromedriver::start();
    let driver = runtime
        .block_on(WebDriver::new(chromedriver.address(), capabilities()))
        .expect("chromedriver opens a browser");
    let page = Page::new(driver.clone(), server);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            page.show_on(Page::DESKTOP).await?;
            walk(&page).await?;
            page.assert_quiet().await
        })
    }));
    let failed = !matches!(outcome, Ok(Ok(())));
    if failed {
        keep_evidence(&runtime, &page, name);
    }
    let closed = runtime.block_on(driver.quit());
    match outcome {
        Ok(result) => result.unwrap_or_else(|error| panic!("journey `{name}`: {error}")),
        Err(panic) => resume_unwind(panic),
    }
    closed.expect("the browser closes");
}

#[expect(clippy::print_stderr, reason = "libtest shows it beside the failure")]
fn keep_evidence(runtime: &Runtime, page: &Page, name: &str) {
    let picture = runtime.block_on(page.screenshot(&format!("failed-{name}")));
    let console = runtime.block_on(page.console());
    eprintln!("journey `{name}` failed; picture: {picture:?}; console: {console:#?}");
}

fn capabilities() -> ChromeCapabilities {
    let mut capabilities = DesiredCapabilities::chrome();
    for argument in ARGUMENTS {
        capabilities.add_arg(argument).expect("an argument is a string");
    }
    for log in ["browser", "performance"] {
        let all = LoggingPrefsLogLevel::All;
        capabilities.set_logging_prefs(log, all).expect("a log has a name and a level");
    }
    capabilities
}

/// A running chromedriver, stopped when dropped.
#[derive(Debug)]
struct Chromedriver {
    child: Child,
    port: u16,
    /// Kept open: chromedriver must not write into a closed pipe.
    _output: BufReader<ChildStdout>,
}

impl Chromedriver {
    /// It takes one free number for two kinds of addresses, and ends at once if the other kind's is taken by somebody.
    fn start() -> Self {
        (0..5)
            .find_map(|_| Self::try_start())
            .expect("chromedriver ended before it named its port, five times")
    }

    fn try_start() -> Option<Self> {
        let program = std::env::var_os("CHROMEDRIVER").unwrap_or_else(|| "chromedriver".into());
        let mut child = Command::new(&program)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "{} does not start ({error}): `cargo xtask setup` installs it",
                    program.display()
                )
            });
        let mut output = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let port = loop {
            let mut line = String::new();
            let read = output.read_line(&mut line).expect("chromedriver writes text");
            if read == 0 {
                drop(child.wait());
                return None;
            }
            if let Some(port) = port_in(&line) {
                break port;
            }
        };
        Some(Self { child, port, _output: output })
    }

    fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        // Either may fail when it has ended by itself, which is what is wanted.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn port_in(line: &str) -> Option<u16> {
    let rest = line.split("started successfully on port ").nth(1)?;
    rest.trim().trim_end_matches('.').parse().ok()
}

#[test]
fn the_port_is_read_from_what_chromedriver_says() {
    assert_eq!(port_in("ChromeDriver was started successfully on port 41233.\n"), Some(41233));
    assert_eq!(port_in("Starting ChromeDriver 156.0 on port 0\n"), None);
}
