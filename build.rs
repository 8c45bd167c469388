//! Compiles the lessons: every `src/lesson/content/en/*.md` becomes part of one JSON text that the
//! library embeds, so that no parser is shipped to the page. A bad lesson stops the build with its
//! file, line and what was expected there.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[path = "src/lesson/format/mod.rs"]
#[expect(unreachable_pub, unused_imports, reason = "shared with the library, which uses the rest")]
mod format;
#[path = "src/lesson/lint.rs"]
mod lint;
#[path = "src/lesson/prose.rs"]
mod prose;
#[path = "src/lesson/source/mod.rs"]
mod source;

use format::{Lesson, Outline};
use prose::SourceError;

const CONTENT: &str = "src/lesson/content/en";
const OUTLINE: &str = "course.toml";

type Plain = Lesson<toml::Value, toml::Value>;

/// What `lessons.json` holds.
#[derive(serde::Serialize)]
struct Course {
    outline: Outline,
    lessons: Vec<Plain>,
}

fn main() -> ExitCode {
    for path in ["build.rs", CONTENT] {
        println!("cargo::rerun-if-changed={path}");
    }
    for name in ["format", "lint.rs", "prose.rs", "source"] {
        println!("cargo::rerun-if-changed=src/lesson/{name}");
    }
    match compile(Path::new(CONTENT)) {
        Ok(course) => {
            let out = std::env::var("OUT_DIR").expect("cargo sets it for build scripts");
            let text = serde_json::to_string(&course).expect("lessons are plain data");
            std::fs::write(Path::new(&out).join("lessons.json"), text)
                .expect("cargo's own directory can be written");
            ExitCode::SUCCESS
        }
        Err(errors) => {
            for error in errors {
                println!("cargo::error={error}");
            }
            ExitCode::FAILURE
        }
    }
}

/// All lessons in order of their ids, or everything that is wrong with them.
fn compile(folder: &Path) -> Result<Course, Vec<String>> {
    let mut errors = Vec::new();
    let mut lessons = Vec::new();
    for path in files(folder) {
        let id = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let text = read(&path, &mut errors);
        match source::parse(id, &text) {
            Ok(lesson) => lessons.push(lesson),
            Err(error) => errors.push(located(&path, &error)),
        }
    }
    let path = folder.join(OUTLINE);
    let outline = toml::from_str::<Outline>(&read(&path, &mut errors)).map_err(|error| {
        errors.push(format!("{}: {error}", path.display()));
    });
    let Ok(outline) = outline else { return Err(errors) };
    // A lesson that could not be read would be missed here too; one complaint is enough.
    if errors.is_empty() {
        errors = outline_errors(&outline, &lessons);
    }
    if errors.is_empty() { Ok(Course { outline, lessons }) } else { Err(errors) }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .collect();
    files.sort();
    files
}

fn read(path: &Path, errors: &mut Vec<String>) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| {
        errors.push(format!("{}: {error}", path.display()));
        String::new()
    })
}

fn located(path: &Path, error: &SourceError) -> String {
    format!("{}:{}: {}", path.display(), error.line, error.expected)
}

/// The outline lists every lesson once, under the code and title that the lesson gives itself.
fn outline_errors(outline: &Outline, lessons: &[Plain]) -> Vec<String> {
    let mut errors = Vec::new();
    let entries: Vec<_> = outline.parts.iter().flat_map(|part| &part.lessons).collect();
    for lesson in lessons {
        let listed = entries.iter().filter(|entry| entry.lesson.as_ref() == Some(&lesson.id));
        let fits = |entry: &&&format::OutlineEntry| {
            entry.code == lesson.code && entry.title == lesson.title
        };
        if listed.filter(fits).count() != 1 {
            errors.push(format!(
                "{CONTENT}/{OUTLINE}: expected one entry with code = \"{}\", title = \"{}\", lesson = \"{}\"",
                lesson.code, lesson.title, lesson.id
            ));
        }
        for id in &lesson.prerequisites {
            if !lessons.iter().any(|other| other.id == *id) {
                errors.push(format!(
                    "{CONTENT}/{}.md: expected a lesson as prerequisite, got `{id}`",
                    lesson.id
                ));
            }
        }
    }
    for entry in entries {
        if let Some(id) = &entry.lesson
            && !lessons.iter().any(|lesson| lesson.id == *id)
        {
            errors.push(format!("{CONTENT}/{OUTLINE}: expected a file {id}.md for {}", entry.code));
        }
    }
    errors
}
