//! What a screen reader finds in a piece of HTML: roles, names, headings, controls, one a line.

/// Elements that have a role of their own.
const NATIVE: [&str; 13] = [
    "button", "input", "select", "summary", "table", "caption", "h1", "h2", "h3", "legend", "dt",
    "progress", "output",
];

/// The outline of `html` as [`crate::render::html`] writes it.
pub(crate) fn of(html: &str) -> String {
    let mut lines = String::new();
    for line in html.lines().filter(|line| line.starts_with('<') && !line.starts_with("</")) {
        let tag: String = line[1..].chars().take_while(char::is_ascii_alphanumeric).collect();
        let role = attribute(line, "role");
        let name = attribute(line, "aria-label");
        if role.is_none() && name.is_none() && !NATIVE.contains(&tag.as_str()) {
            continue;
        }
        let what = role.unwrap_or(tag);
        let labelled = || attribute(line, "id").and_then(|id| label_for(html, &id));
        let words = name.or_else(|| text(line)).or_else(labelled).unwrap_or_default();
        let state = ["aria-expanded", "aria-pressed", "aria-valuetext", "value"]
            .into_iter()
            .filter_map(|key| attribute(line, key).map(|value| format!(" [{value}]")))
            .collect::<String>();
        let off = if line.contains(" disabled") { " (off)" } else { "" };
        lines.push_str(format!("{what} {words}{state}{off}").trim_end());
        lines.push('\n');
    }
    lines
}

/// Text of the label of the element with that id.
fn label_for(html: &str, id: &str) -> Option<String> {
    let label =
        |line: &&str| line.starts_with("<label") && attribute(line, "for").as_deref() == Some(id);
    text(html.lines().find(label)?)
}

/// Value of an attribute of the first tag of `line`.
fn attribute(line: &str, key: &str) -> Option<String> {
    let tag = line.split('>').next()?;
    let (_, rest) = tag.split_once(&format!(" {key}=\""))?;
    rest.split('"').next().map(str::to_owned)
}

/// The text right after the first tag of `line`.
fn text(line: &str) -> Option<String> {
    let (_, rest) = line.split_once('>')?;
    let words = rest.split('<').next()?.trim();
    (!words.is_empty()).then(|| words.to_owned())
}
