//! Scenario files: TOML, for the headless tools. Every error names line, field and what was expected.

use toml::de::{DeTable, DeValue};

use super::scenario::{Scenario, ScenarioError};

/// What is wrong with a scenario file, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileError {
    /// Line, from 1.
    pub line: usize,
    /// Path of the field; empty if the text is no TOML at all.
    pub field: String,
    /// What was expected there.
    pub expected: String,
}

impl std::fmt::Display for FileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.field.as_str() {
            "" => write!(f, "line {}: {}", self.line, self.expected),
            field => write!(f, "line {}: {field}: {}", self.line, self.expected),
        }
    }
}

/// Reads a scenario and checks it.
pub fn parse(text: &str) -> Result<Scenario, FileError> {
    let scenario: Scenario = toml::from_str(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        let field = field_at(text, offset).unwrap_or_default();
        FileError { line: line_at(text, offset), field, expected: error.message().to_owned() }
    })?;
    scenario.check().map_err(|error| locate(text, error))?;
    Ok(scenario)
}

fn line_at(text: &str, offset: usize) -> usize {
    text[..offset.min(text.len())].matches('\n').count() + 1
}

/// Gives an error that was found after reading the line of its field, or of the nearest one above it.
pub fn locate(text: &str, error: ScenarioError) -> FileError {
    let offset =
        DeTable::parse(text).ok().and_then(|table| offset_of(table.get_ref(), &error.field));
    let line = offset.map_or(1, |offset| line_at(text, offset));
    FileError { line, field: error.field, expected: error.expected }
}

/// Where the value of `path` begins. Keys may hold dots, so the longest key that fits wins.
fn offset_of(table: &DeTable<'_>, path: &str) -> Option<usize> {
    let mut best: Option<(&str, &toml::Spanned<DeValue<'_>>)> = None;
    for (key, value) in table {
        let key: &str = key.get_ref();
        let rest = path.strip_prefix(key);
        let fits = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
        if fits && best.is_none_or(|(found, _)| key.len() > found.len()) {
            best = Some((key, value));
        }
    }
    let (key, value) = best?;
    Some(inner_offset(value, &path[key.len()..]).unwrap_or(value.span().start))
}

fn inner_offset(value: &toml::Spanned<DeValue<'_>>, rest: &str) -> Option<usize> {
    if let Some(inner) = rest.strip_prefix('.') {
        return offset_of(value.get_ref().as_table()?, inner);
    }
    let (index, rest) = rest.strip_prefix('[')?.split_once(']')?;
    let item = value.get_ref().as_array()?.get(index.parse::<usize>().ok()?)?;
    Some(inner_offset(item, rest).unwrap_or(item.span().start))
}

/// Path of the innermost field whose key or value holds `offset`. A table under a header spans only
/// its header, so every branch is searched.
fn field_at(text: &str, offset: usize) -> Option<String> {
    field_in_table(DeTable::parse(text).ok()?.get_ref(), offset)
}

fn field_in_table(table: &DeTable<'_>, offset: usize) -> Option<String> {
    table.iter().find_map(|(key, value)| {
        let name: &str = key.get_ref();
        let here = key.span().contains(&offset) || value.span().contains(&offset);
        match field_in_value(value.get_ref(), offset) {
            Some(inner) if inner.starts_with('[') => Some(format!("{name}{inner}")),
            Some(inner) => Some(format!("{name}.{inner}")),
            None => here.then(|| name.to_owned()),
        }
    })
}

fn field_in_value(value: &DeValue<'_>, offset: usize) -> Option<String> {
    if let Some(table) = value.as_table() {
        return field_in_table(table, offset);
    }
    value.as_array()?.iter().enumerate().find_map(|(index, item)| {
        match field_in_value(item.get_ref(), offset) {
            Some(inner) => Some(format!("[{index}].{inner}")),
            None => item.span().contains(&offset).then(|| format!("[{index}]")),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
name = "small"
brokers = 3
[[topics]]
name = "orders"
partitions = 2
replication_factor = 1
config = { "min.insync.replicas" = 1 }
[[producers]]
name = "web"
topic = "orders"
rate = { kind = "constant", per_second = 10 }
"#;

    fn error(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_good_file_is_read() {
        let scenario = parse(GOOD).unwrap();
        assert_eq!((scenario.brokers, scenario.topics[0].partitions), (3, 2));
    }

    #[test]
    fn an_error_names_line_field_and_what_was_expected() {
        assert_eq!(
            error(&GOOD.replace("brokers = 3", "brokers = 30")),
            "line 3: brokers: expected 1 to 9, got 30"
        );
        assert_eq!(
            error(&GOOD.replace("brokers = 3", "brokers = 3\ncontrollers = 2")),
            "line 4: controllers: expected 1, 3 or 5, got 2"
        );
        assert_eq!(
            error(&GOOD.replace("brokers = 3", "brokers = 3\ncontrollers = 5\ncombined = true")),
            "line 4: controllers: expected a broker for each, got 5 for 3 broker(s)"
        );
        assert_eq!(
            error(&GOOD.replace("partitions = 2", "partitions = \"two\"")),
            "line 6: topics[0].partitions: invalid type: string \"two\", expected i32"
        );
        assert_eq!(
            error(&GOOD.replace("= 1 }", "= 0 }")),
            "line 8: topics[0].config.min.insync.replicas: Invalid value 0 for configuration \
             min.insync.replicas: Value must be at least 1"
        );
        let typo = error(&GOOD.replace("topic =", "topik ="));
        assert!(typo.starts_with("line 11: producers[0].topik: unknown field `topik`, expected"));
        assert!(error("name = ").starts_with("line 1: "));
    }

    #[test]
    fn load_that_no_application_can_make_is_refused() {
        for rate in ["-5", "nan", "1e9"] {
            let text = GOOD.replace("per_second = 10", &format!("per_second = {rate}"));
            assert!(
                error(&text).starts_with("line 12: producers[0].rate: expected 0 to"),
                "{rate}"
            );
        }
        for keys in ["kind = 'uniform', count = 0", "kind = 'zipf', count = 9, exponent = nan"] {
            let text = format!("{GOOD}keys = {{ {keys} }}\n");
            assert!(error(&text).starts_with("line 13: producers[0].keys: expected"), "{keys}");
        }
        let later = "[[actions]]\nat_ms = 1\n\
                     action = { do = 'set-rate', name = 'web', rate = { kind = 'constant', per_second = -1 } }\n";
        assert!(error(&format!("{GOOD}{later}")).starts_with("line 15: actions[0].action.rate: "));
    }

    #[test]
    fn numbered_clients_need_names_of_their_own_too() {
        let other = "[[consumers]]\nname = 'web'\ncount = 2\ntopics = []\nservice = { kind = 'fixed', micros = 1 }\n";
        let third = other.replace("'web'\ncount = 2", "'web-2'");
        assert_eq!(
            error(&format!("{GOOD}{other}{third}")),
            "line 19: consumers[1].name: expected a name of its own, `web-2` is taken by consumers[0]"
        );
    }

    #[test]
    fn automatic_commits_without_a_group_are_refused_only_if_somebody_asked_for_them() {
        let reader = |config: &str| {
            format!(
                "{GOOD}[[consumers]]\nname = \"reader\"\ntopics = [\"orders\"]\n\
                 service = {{ kind = \"fixed\", micros = 1 }}\nconfig = {{ {config} }}\n"
            )
        };
        let refused = error(&reader("\"enable.auto.commit\" = true"));
        let expected =
            "enable.auto.commit cannot be set to true when default group id (null) is used.";
        assert!(refused.ends_with(expected), "{refused}");
        for config in ["", "\"enable.auto.commit\" = false"] {
            let scenario = parse(&reader(config)).unwrap();
            let specs = scenario.consumers[0].specs("").unwrap();
            assert!(!specs[0].config.enable_auto_commit);
        }
        let mut grouped = reader("\"enable.auto.commit\" = true");
        grouped.push_str("group = \"app\"\n");
        assert!(parse(&grouped).is_ok());
    }
}
