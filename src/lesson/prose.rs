//! Markdown to blocks, for the build script and the tests: the small part of Markdown that a lesson
//! needs. Anything else is an error that names its line, so that nothing is dropped in silence.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, TextMergeWithOffset};

use super::format::{Block, Inline, When};

/// What is wrong with a lesson's source, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct SourceError {
    /// Line, from 1.
    pub(super) line: usize,
    /// What was expected there.
    pub(super) expected: String,
}

impl SourceError {
    /// An error at `line`.
    pub(super) fn new(line: usize, expected: impl Into<String>) -> Self {
        Self { line, expected: expected.into() }
    }
}

/// Line of `offset` in `text`, from 1.
pub(super) fn line_at(text: &str, offset: usize) -> usize {
    text[..offset.min(text.len())].matches('\n').count() + 1
}

/// One line of Markdown. `line` is where it stands.
pub(super) fn inline(text: &str, line: usize) -> Result<Vec<Inline>, SourceError> {
    match <[Block; 1]>::try_from(blocks(text, line)?) {
        Ok([Block::Paragraph(inlines)]) => Ok(inlines),
        _ => Err(SourceError::new(line, "expected one line of text")),
    }
}

/// Paragraphs, flat lists and code blocks. `first_line` is where `text` begins.
pub(super) fn blocks(text: &str, first_line: usize) -> Result<Vec<Block>, SourceError> {
    let events = Parser::new_ext(text, Options::empty()).into_offset_iter();
    let mut reader = Reader::default();
    for (event, range) in TextMergeWithOffset::new(events) {
        let line = first_line + line_at(text, range.start) - 1;
        reader.event(event, line)?;
    }
    Ok(reader.blocks)
}

/// Blocks so far and the lines that are open.
#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    /// Inline pieces of the open paragraph or item, one level for each open emphasis.
    open: Vec<Vec<Inline>>,
    /// The open list.
    list: Option<(bool, Vec<Vec<Inline>>)>,
    code: Option<String>,
}

impl Reader {
    fn event(&mut self, event: Event<'_>, line: usize) -> Result<(), SourceError> {
        match event {
            Event::Start(tag) => self.start(&tag, line),
            Event::End(tag) => {
                self.end(tag);
                Ok(())
            }
            Event::Text(text) => {
                if let Some(code) = &mut self.code {
                    code.push_str(&text);
                } else {
                    let pieces = placeholders(&text, line)?;
                    self.line().extend(pieces);
                }
                Ok(())
            }
            Event::Code(code) => {
                self.line().push(Inline::Code(code.to_string()));
                Ok(())
            }
            Event::SoftBreak => {
                self.line().push(Inline::Text(" ".to_owned()));
                Ok(())
            }
            other => Err(unexpected(line, &format!("{other:?}"))),
        }
    }

    fn start(&mut self, tag: &Tag<'_>, line: usize) -> Result<(), SourceError> {
        match tag {
            Tag::Paragraph if self.list.is_some() => {
                return Err(SourceError::new(line, "expected a list without empty lines between"));
            }
            Tag::Paragraph | Tag::Item | Tag::Strong | Tag::Emphasis => self.open.push(Vec::new()),
            Tag::List(first) if self.list.is_none() => self.list = Some((first.is_some(), vec![])),
            Tag::List(_) => return Err(SourceError::new(line, "expected a flat list")),
            Tag::CodeBlock(_) => self.code = Some(String::new()),
            other => return Err(unexpected(line, &format!("{other:?}"))),
        }
        Ok(())
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => {
                let line = self.close();
                self.blocks.push(Block::Paragraph(line));
            }
            TagEnd::Item => {
                let line = self.close();
                if let Some((_, items)) = &mut self.list {
                    items.push(line);
                }
            }
            TagEnd::Strong => {
                let inner = self.close();
                self.line().push(Inline::Strong(inner));
            }
            TagEnd::Emphasis => {
                let inner = self.close();
                self.line().push(Inline::Emphasis(inner));
            }
            TagEnd::List(_) => {
                if let Some((ordered, items)) = self.list.take() {
                    self.blocks.push(Block::List { ordered, items });
                }
            }
            TagEnd::CodeBlock => {
                let code = self.code.take().unwrap_or_default();
                self.blocks.push(Block::Code(code.trim_end().to_owned()));
            }
            _ => {}
        }
    }

    fn close(&mut self) -> Vec<Inline> {
        self.open.pop().unwrap_or_default()
    }

    fn line(&mut self) -> &mut Vec<Inline> {
        if self.open.is_empty() {
            self.open.push(Vec::new());
        }
        self.open.last_mut().expect("pushed in the line above")
    }
}

fn unexpected(line: usize, what: &str) -> SourceError {
    let what: String = what.chars().take(40).collect();
    SourceError::new(
        line,
        format!("expected paragraphs, flat lists, code, *emphasis* or **strong**, got {what}"),
    )
}

/// Cuts `{observed.lag}` and its like out of a text.
fn placeholders(text: &str, line: usize) -> Result<Vec<Inline>, SourceError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let (before, tail) = rest.split_at(start);
        let Some((inside, after)) = tail[1..].split_once('}') else {
            return Err(SourceError::new(line, "expected a `}` after `{`"));
        };
        if !before.is_empty() {
            pieces.push(Inline::Text(before.to_owned()));
        }
        pieces.push(placeholder(inside, line)?);
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Inline::Text(rest.to_owned()));
    }
    Ok(pieces)
}

fn placeholder(inside: &str, line: usize) -> Result<Inline, SourceError> {
    let (when, name) = inside.split_once('.').unwrap_or((inside, ""));
    let when = match when {
        "now" => When::Now,
        "observed" => When::Observed,
        "solved" => When::Solved,
        _ => {
            let expected =
                format!("expected {{now.…}}, {{observed.…}} or {{solved.…}}, got {{{inside}}}");
            return Err(SourceError::new(line, expected));
        }
    };
    Ok(Inline::Measured { when, name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Inline {
        Inline::Text(text.to_owned())
    }

    #[test]
    fn prose_becomes_blocks() {
        let source =
            "A **very _calm_** `log`\ngoes on.\n\n- one\n- two\n\n1. first\n\n```\n$ ls\n```\n";
        let expected = vec![
            Block::Paragraph(vec![
                text("A "),
                Inline::Strong(vec![text("very "), Inline::Emphasis(vec![text("calm")])]),
                text(" "),
                Inline::Code("log".to_owned()),
                text(" "),
                text("goes on."),
            ]),
            Block::List { ordered: false, items: vec![vec![text("one")], vec![text("two")]] },
            Block::List { ordered: true, items: vec![vec![text("first")]] },
            Block::Code("$ ls".to_owned()),
        ];
        assert_eq!(blocks(source, 1), Ok(expected));
    }

    #[test]
    fn a_number_of_the_run_stands_between_words() {
        let lag = Inline::Measured { when: When::Observed, name: "lag_p0".to_owned() };
        let expected = vec![text("Now "), lag, text(" wait.")];
        assert_eq!(inline("Now {observed.lag_p0} wait.", 1), Ok(expected));
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        let line = |source| blocks(source, 10).unwrap_err().line;
        assert_eq!(line("fine\n\n<b>not fine</b>"), 12);
        assert_eq!(line("fine\n\n# A heading"), 12);
        assert_eq!(line("- a\n  - b"), 11);
        assert_eq!(line("fine\nbut {lag} is nobody's"), 11);
        assert_eq!(line("open {now.lag"), 10);
    }
}
