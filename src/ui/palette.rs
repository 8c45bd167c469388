//! The design tokens as a canvas needs them: colours that the browser has worked out for the present
//! look. `styles/tokens.css` stays the only place where colours are chosen.

use crate::view::scene::Hue;

/// Colours and font of the present look.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Palette {
    hues: Vec<String>,
    /// Text on a hue.
    pub on_hue: String,
    /// The stage.
    pub stage: String,
    /// Cards and panels.
    pub panel: String,
    /// Text.
    pub ink: String,
    /// Quiet text.
    pub soft: String,
    /// Lines.
    pub line: String,
    /// The strong colour.
    pub accent: String,
    /// Good.
    pub good: String,
    /// Bad.
    pub bad: String,
    /// Warning.
    pub warn: String,
    /// The page's font family.
    pub font: String,
}

impl Palette {
    /// Asks the browser.
    pub fn read() -> Self {
        let probe = Probe::new();
        let hues = (0..Hue::COUNT).map(|i| probe.color(&format!("--hue-{i}"))).collect();
        let color = |name: &str| probe.color(name);
        let palette = Self {
            hues,
            on_hue: color("--on-hue"),
            stage: color("--stage"),
            panel: color("--panel"),
            ink: color("--ink"),
            soft: color("--soft"),
            line: color("--line"),
            accent: color("--accent"),
            good: color("--good"),
            bad: color("--bad"),
            warn: color("--warn"),
            font: probe.value("font-family"),
        };
        probe.remove();
        palette
    }

    /// Colour of a look.
    pub fn hue(&self, hue: Hue) -> &str {
        self.hues.get(usize::from(hue.index())).map_or("", String::as_str)
    }
}

/// An element without extent whose computed style tells what a token means now.
struct Probe {
    element: Option<web_sys::HtmlElement>,
}

impl Probe {
    fn new() -> Self {
        use wasm_bindgen::JsCast as _;
        let document = web_sys::window().and_then(|window| window.document());
        let element = document.and_then(|document| {
            let element: web_sys::HtmlElement =
                document.create_element("i").ok()?.dyn_into().ok()?;
            document.body()?.append_child(&element).ok()?;
            Some(element)
        });
        Self { element }
    }

    fn color(&self, token: &str) -> String {
        if let Some(element) = &self.element {
            // A token that does not exist leaves the colour as it is.
            drop(element.style().set_property("color", &format!("var({token})")));
        }
        self.value("color")
    }

    fn value(&self, property: &str) -> String {
        let Some(element) = &self.element else { return String::new() };
        web_sys::window()
            .and_then(|window| window.get_computed_style(element).ok().flatten())
            .and_then(|style| style.get_property_value(property).ok())
            .unwrap_or_default()
    }

    fn remove(self) {
        if let Some(element) = self.element {
            element.remove();
        }
    }
}
