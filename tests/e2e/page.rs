//! The page as a learner, or a screen reader, finds it: by role and name, seldom by test id.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use thirtyfour::error::{WebDriverError, WebDriverErrorInner, WebDriverResult};
use thirtyfour::{BrowserLogEntry, By, Key, TypingData, WebDriver, WebElement};

use crate::server::Server;

/// How long a thing may take to appear. Generous: it is only waited out by a failing journey.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(40);

/// Width and height in CSS pixels, and whether it is a touch screen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    width: u32,
    height: u32,
    touch: bool,
}

/// What a visitor asked their system for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Preferences {
    pub(crate) dark: bool,
    pub(crate) reduced_motion: bool,
}

/// One open page.
#[derive(Debug)]
pub(crate) struct Page {
    driver: WebDriver,
    server: Server,
    marks: AtomicU32,
    forgiven: AtomicBool,
}

impl Page {
    /// A small laptop, or a projector.
    pub(crate) const DESKTOP: Screen = Screen { width: 1280, height: 720, touch: false };
    /// A phone, upright.
    pub(crate) const PHONE: Screen = Screen { width: 390, height: 844, touch: true };

    /// The page in a fresh browser; nothing is open yet.
    pub(crate) fn new(driver: WebDriver, server: Server) -> Self {
        Self { driver, server, marks: AtomicU32::new(0), forgiven: AtomicBool::new(false) }
    }

    /// The browser, for what this type does not offer.
    pub(crate) fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// The page's address, without a route.
    pub(crate) fn address(&self) -> String {
        self.server.address()
    }

    /// Opens the page at `route`, which is empty or begins with `#`, and waits until it stands.
    pub(crate) async fn open(&self, route: &str) -> WebDriverResult<()> {
        self.driver.goto(format!("{}{route}", self.address())).await?;
        self.role("main", None).await.map(drop)
    }

    /// Sets the size of what the page sees; the window's own size has the browser's frame in it.
    pub(crate) async fn show_on(&self, screen: Screen) -> WebDriverResult<()> {
        let Screen { width, height, touch } = screen;
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await?;
        let touch = json!({ "enabled": touch });
        self.devtools("Emulation.setTouchEmulationEnabled", touch).await.map(drop)
    }

    /// Sets what the visitor's system asks pages for.
    pub(crate) async fn prefer(&self, preferences: Preferences) -> WebDriverResult<()> {
        let scheme = if preferences.dark { "dark" } else { "light" };
        let motion = if preferences.reduced_motion { "reduce" } else { "no-preference" };
        let features = json!({ "features": [
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": motion },
        ]});
        self.devtools("Emulation.setEmulatedMedia", features).await.map(drop)
    }

    /// Runs a script in every page before its own scripts.
    pub(crate) async fn before_opening(&self, script: &str) -> WebDriverResult<()> {
        let source = json!({ "source": script });
        self.devtools("Page.addScriptToEvaluateOnNewDocument", source).await.map(drop)
    }

    /// The first element of the accessibility tree with this role (in Chromium's words) and, if
    /// given, this name; waits for it. A name that ends with `…` is the beginning of the whole.
    pub(crate) async fn role(&self, role: &str, name: Option<&str>) -> WebDriverResult<WebElement> {
        let wanted = format!("{role} {name:?}");
        self.wait_for(&wanted, async || self.try_role(role, name).await).await
    }

    /// The first element with this `data-testid`; waits for it.
    pub(crate) async fn test_id(&self, id: &str) -> WebDriverResult<WebElement> {
        let selector = format!("[data-testid='{id}']");
        self.wait_for(&selector, async || {
            let found = self.driver.find_all(By::Css(selector.as_str())).await?;
            Ok(found.into_iter().next())
        })
        .await
    }

    /// Whether the accessibility tree holds such an element now.
    pub(crate) async fn has_role(&self, role: &str, name: &str) -> WebDriverResult<bool> {
        Ok(self.try_role(role, Some(name)).await?.is_some())
    }

    /// The names of all elements with this role, in the order of the page.
    pub(crate) async fn names(&self, role: &str) -> WebDriverResult<Vec<String>> {
        Ok(self.nodes(role, None).await?.iter().map(|node| name_of(node).to_owned()).collect())
    }

    /// Waits until the text of the element with this role and name fits.
    pub(crate) async fn text_of(
        &self,
        role: &str,
        name: Option<&str>,
        wanted: &str,
        fits: impl Fn(&str) -> bool,
    ) -> WebDriverResult<String> {
        self.wait_for(wanted, async || {
            let Some(element) = self.try_role(role, name).await? else { return Ok(None) };
            match element.text().await {
                Ok(text) => Ok(Some(text).filter(|text| fits(text))),
                Err(error) if will_pass(&error) => Ok(None),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// Clicks the element with this role and name. An element that is replaced or covered while
    /// the page moves is looked up again.
    pub(crate) async fn click(&self, role: &str, name: &str) -> WebDriverResult<()> {
        let wanted = format!("{role} {name:?}, ready to be clicked");
        self.wait_for(&wanted, async || {
            let Some(element) = self.try_role(role, Some(name)).await? else { return Ok(None) };
            match element.click().await {
                Ok(()) => Ok(Some(())),
                Err(error) if will_pass(&error) => {
                    // Under a bar that stays: a person would scroll it into the open.
                    element.scroll_into_view().await.ok();
                    Ok(None)
                }
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// Types into the element with this role and name, after what is in it.
    pub(crate) async fn type_into(
        &self,
        role: &str,
        name: &str,
        text: &str,
    ) -> WebDriverResult<()> {
        self.role(role, Some(name)).await?.send_keys(text).await
    }

    /// Presses keys where the focus is; `thirtyfour::Key` names the special ones.
    pub(crate) async fn press(&self, keys: impl Into<TypingData>) -> WebDriverResult<()> {
        self.driver.action_chain().send_keys(keys).perform().await
    }

    /// Presses a key together with Ctrl where the focus is.
    pub(crate) async fn press_ctrl(&self, key: char) -> WebDriverResult<()> {
        let chain = self.driver.action_chain().key_down(Key::Control).key_down(key);
        chain.key_up(key).key_up(Key::Control).perform().await
    }

    /// Waits until the text of the element with this `data-testid` fits.
    pub(crate) async fn text_where(
        &self,
        test_id: &str,
        fits: impl Fn(&str) -> bool,
    ) -> WebDriverResult<String> {
        let wanted = format!("the awaited text in `{test_id}`");
        self.wait_for(&wanted, async || {
            let text = self.test_id(test_id).await?.text().await;
            match text {
                Ok(text) => Ok(Some(text).filter(|text| fits(text))),
                Err(error) if will_pass(&error) => Ok(None),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// Role and name of what has the focus, as a screen reader says them: `button "Play"`.
    pub(crate) async fn focused(&self) -> WebDriverResult<String> {
        let element = self.driver.active_element().await?;
        let object = element.cdp_remote_object_id().await?;
        let question = json!({ "objectId": object, "fetchRelatives": false });
        let answer = self.devtools("Accessibility.getPartialAXTree", question).await?;
        let node = &answer["nodes"][0];
        Ok(format!(
            "{} {}",
            node["role"]["value"].as_str().unwrap_or("none"),
            node["name"]["value"]
        ))
    }

    /// Writes `target/screenshots/NAME.png`.
    pub(crate) async fn screenshot(&self, name: &str) -> WebDriverResult<PathBuf> {
        let folder = Path::new("target/screenshots");
        fs::create_dir_all(folder)?;
        let file = folder.join(format!("{name}.png"));
        self.driver.screenshot(&file).await?;
        Ok(file)
    }

    /// What the console holds that was not read before.
    pub(crate) async fn console(&self) -> WebDriverResult<Vec<BrowserLogEntry>> {
        self.driver.get_log("browser").await
    }

    /// What went wrong since the last call and a learner would not see: an error in the console, a
    /// request that left the page's folder, a file that is not there.
    pub(crate) async fn complaints(&self) -> WebDriverResult<Vec<String>> {
        let console = self.console().await?;
        let errors = console.iter().filter(|entry| entry.level == "SEVERE");
        let mut complaints: Vec<String> =
            errors.map(|entry| format!("console: {}", entry.message)).collect();
        let requests = self.driver.get_log("performance").await?;
        let requests = requests.iter().map(|entry| entry.message.clone());
        let foreign = foreign_requests(requests, &self.address());
        complaints.extend(foreign.iter().map(|url| format!("left the page's folder: {url}")));
        complaints.extend(self.server.missed().iter().map(|path| format!("not there: {path}")));
        Ok(complaints)
    }

    /// Lets the journey end well in spite of complaints: it has caused and checked them.
    pub(crate) fn forgive(&self) {
        self.forgiven.store(true, Ordering::Relaxed);
    }

    /// Fails if there is any complaint.
    pub(crate) async fn assert_quiet(&self) -> WebDriverResult<()> {
        let complaints = self.complaints().await?;
        let forgiven = self.forgiven.load(Ordering::Relaxed);
        assert!(forgiven || complaints.is_empty(), "the journey went well, but: {complaints:#?}");
        Ok(())
    }

    /// Tries again and again until there is a result.
    pub(crate) async fn wait_for<T>(
        &self,
        wanted: &str,
        attempt: impl AsyncFn() -> WebDriverResult<Option<T>>,
    ) -> WebDriverResult<T> {
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                if let Some(found) = attempt().await? {
                    return Ok(found);
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
        found.await.unwrap_or_else(|_elapsed| {
            Err(WebDriverError::from_inner(WebDriverErrorInner::Timeout(format!(
                "no {wanted} within {PATIENCE:?}"
            ))))
        })
    }

    async fn try_role(
        &self,
        role: &str,
        name: Option<&str>,
    ) -> WebDriverResult<Option<WebElement>> {
        let nodes = self.nodes(role, name).await?;
        let Some(node) = nodes.first() else { return Ok(None) };
        self.element_of(&node["backendDOMNodeId"]).await
    }

    /// What the accessibility tree holds now with this role and, if given, this name.
    async fn nodes(&self, role: &str, name: Option<&str>) -> WebDriverResult<Vec<Value>> {
        let document = self.devtools("DOM.getDocument", json!({ "depth": 0 })).await?;
        let mut question = json!({ "nodeId": document["root"]["nodeId"], "role": role });
        let begins = name.and_then(|name| name.strip_suffix('…'));
        if let (Some(name), None) = (name, begins) {
            question["accessibleName"] = json!(name);
        }
        let answer = self.devtools("Accessibility.queryAXTree", question).await?;
        let mut nodes = answer["nodes"].as_array().cloned().unwrap_or_default();
        nodes.retain(|node| {
            let fits = begins.is_none_or(|begins| name_of(node).starts_with(begins));
            node["ignored"] == json!(false) && fits
        });
        Ok(nodes)
    }

    /// The element that the developer tools call by this number: it is marked, then found by the
    /// mark. The page may replace it in between; then there is none.
    async fn element_of(&self, backend_node: &Value) -> WebDriverResult<Option<WebElement>> {
        let resolved =
            self.devtools("DOM.resolveNode", json!({ "backendNodeId": backend_node })).await;
        let Ok(resolved) = resolved else { return Ok(None) };
        let mark = self.marks.fetch_add(1, Ordering::Relaxed).to_string();
        let call = json!({
            "objectId": resolved["object"]["objectId"],
            "functionDeclaration": "function(mark) { this.setAttribute('data-e2e', mark) }",
            "arguments": [{ "value": mark }],
        });
        self.devtools("Runtime.callFunctionOn", call).await?;
        let found = self.driver.find_all(By::Css(format!("[data-e2e='{mark}']"))).await?;
        Ok(found.into_iter().next())
    }

    async fn devtools(&self, method: &str, parameters: Value) -> WebDriverResult<Value> {
        self.driver.cdp().send_raw(method, parameters).await
    }
}

/// Name of a node of the accessibility tree.
fn name_of(node: &Value) -> &str {
    node["name"]["value"].as_str().unwrap_or_default()
}

/// Errors that a moving page causes and that the next look may not meet.
fn will_pass(error: &WebDriverError) -> bool {
    matches!(
        error.as_inner(),
        WebDriverErrorInner::StaleElementReference(_)
            | WebDriverErrorInner::ElementClickIntercepted(_)
            | WebDriverErrorInner::ElementNotInteractable(_)
    )
}

/// Addresses in the entries of the performance log that do not lie under `own`.
fn foreign_requests(entries: impl Iterator<Item = String>, own: &str) -> Vec<String> {
    entries
        .filter_map(|entry| serde_json::from_str::<Value>(&entry).ok())
        .filter(|entry| entry["message"]["method"] == "Network.requestWillBeSent")
        .filter_map(|entry| {
            entry["message"]["params"]["request"]["url"].as_str().map(str::to_owned)
        })
        .filter(|url| {
            !url.starts_with(own) && !url.starts_with("data:") && !url.starts_with("blob:")
        })
        .collect()
}

#[test]
fn a_request_to_another_site_is_noticed() {
    let entry = |url: &str| {
        json!({ "message": { "method": "Network.requestWillBeSent", "params": { "request": { "url": url } } } })
            .to_string()
    };
    let entries = [
        entry("http://127.0.0.1:1/some/sub/path/a.css"),
        entry("data:,"),
        entry("https://fonts.example/x.woff2"),
        entry("http://127.0.0.1:1/favicon.ico"),
    ];
    let foreign = foreign_requests(entries.into_iter(), "http://127.0.0.1:1/some/sub/path/");
    assert_eq!(foreign, ["https://fonts.example/x.woff2", "http://127.0.0.1:1/favicon.ico"]);
}
