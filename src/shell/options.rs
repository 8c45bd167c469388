//! Options of Kafka's tools, parsed as their library (joptsimple) does: `--name value`, `--name=value`.

use super::tool::Screen;

/// An option of a tool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct OptionSpec {
    /// Name without the dashes.
    pub(super) name: &'static str,
    /// What its value is called in the help; none for a flag.
    pub(super) value: Option<&'static str>,
    /// What it does, in one line; empty for an option of real Kafka that is not simulated.
    pub(super) doc: &'static str,
}

/// An option that takes a value.
pub(super) const fn valued(
    name: &'static str,
    value: &'static str,
    doc: &'static str,
) -> OptionSpec {
    OptionSpec { name, value: Some(value), doc }
}

/// An option that stands alone.
pub(super) const fn flag(name: &'static str, doc: &'static str) -> OptionSpec {
    OptionSpec { name, value: None, doc }
}

/// Options as given, in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Options {
    given: Vec<(&'static str, String)>,
}

impl Options {
    /// Whether the option was given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.given.iter().any(|(given, _)| *given == name)
    }

    /// The option's last value.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.values(name).last()
    }

    /// The option's last value as a number. What is wrong has been printed; the error is the exit code.
    pub(super) fn number<N: std::str::FromStr>(
        &self,
        name: &str,
        screen: &mut Screen<'_>,
    ) -> Result<Option<N>, i32> {
        let Some(text) = self.value(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_error| {
            screen.err(format!("Cannot parse argument '{text}' of option {name}"));
            1
        })
    }

    /// All values of the option.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let given = self.given.iter().filter(move |(given, _)| *given == name);
        given.map(|(_, value)| value.as_str())
    }
}

/// Parses `arguments`. What is wrong has been printed; the error is the exit code.
pub(super) fn parse(
    tool: &str,
    specs: &'static [OptionSpec],
    arguments: &[String],
    screen: &mut Screen<'_>,
) -> Result<Options, i32> {
    let mut options = Options::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let Some(long) = argument.strip_prefix("--") else {
            screen.err(format!("Unexpected argument: {argument}"));
            return Err(usage(tool, specs, screen));
        };
        let (name, attached) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (long, None),
        };
        let Some(spec) = specs.iter().find(|spec| spec.name == name) else {
            screen.err(format!("{name} is not a recognized option"));
            let near = nearest(name, specs.iter().map(|spec| spec.name));
            if let Some(near) = near {
                screen.hint(format!("Did you mean --{near}?"));
            }
            return Err(usage(tool, specs, screen));
        };
        let value = match (spec.value, attached) {
            (None, _) => String::new(),
            (Some(_), Some(value)) => value,
            (Some(_), None) => {
                let Some(value) = rest.next() else {
                    screen.err(format!("Option {name} requires an argument"));
                    return Err(usage(tool, specs, screen));
                };
                value.clone()
            }
        };
        if spec.doc.is_empty() {
            screen.hint(format!("Real Kafka has --{name}; this simulator ignores it."));
        }
        options.given.push((spec.name, value));
    }
    Ok(options)
}

/// Prints how the tool is used; the exit code of wrong usage.
pub(super) fn usage(tool: &str, specs: &[OptionSpec], screen: &mut Screen<'_>) -> i32 {
    screen.hint(format!("Options of {tool}:"));
    for spec in specs.iter().filter(|spec| !spec.doc.is_empty()) {
        let name = match spec.value {
            Some(value) => format!("--{} <{value}>", spec.name),
            None => format!("--{}", spec.name),
        };
        screen.hint(format!("  {name:<44} {}", spec.doc));
    }
    1
}

/// The known word that is nearest to `word`, if one is near enough to be meant.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |candidate: &str| strsim::damerau_levenshtein(word, candidate);
    let best = known.min_by_key(|candidate| distance(candidate))?;
    (distance(best) <= word.len().div_ceil(3)).then_some(best)
}
