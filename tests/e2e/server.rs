//! A file server over one folder, as plain as the plainest host: one folder, one sub-path, no rewrites.

use std::fs;
use std::io::{BufRead as _, BufReader, Result, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The page must work from any sub-path; this is one that nothing in it can know.
const SUB_PATH: &str = "/some/sub/path/";

/// A running server; it ends with the process.
#[derive(Debug)]
pub(crate) struct Server {
    port: u16,
    missed: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts serving `folder` of the project on a free port.
    pub(crate) fn start(folder: &str) -> Self {
        let folder = PathBuf::from(folder);
        assert!(
            folder.join("index.html").is_file(),
            "{} holds no page: run `cargo xtask build` first",
            folder.display()
        );
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound listener has an address").port();
        let missed = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&missed);
        in_background(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (folder, log) = (folder.clone(), Arc::clone(&log));
                // One thread a connection: a browser opens some that it never uses.
                in_background(move || drop(answer(&stream, &folder, &log)));
            }
        });
        Self { port, missed }
    }

    /// The page's address.
    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}{SUB_PATH}", self.port)
    }

    /// What was asked for since the last call and is not there, or not under the sub-path.
    pub(crate) fn missed(&self) -> Vec<String> {
        std::mem::take(&mut *self.missed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[expect(clippy::disallowed_methods, reason = "a native test, with a browser on the other side")]
fn in_background(work: impl FnOnce() + Send + 'static) {
    drop(std::thread::spawn(work));
}

fn answer(stream: &TcpStream, folder: &Path, missed: &Mutex<Vec<String>>) -> Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    for header in lines {
        if header?.is_empty() {
            break;
        }
    }
    let Some(asked) = request.split(' ').nth(1) else { return Ok(()) };
    let found =
        file_of(asked, folder).and_then(|file| Some((content_type(&file), fs::read(file).ok()?)));
    let (status, kind, body) = if let Some((kind, body)) = found {
        ("200 OK", kind, body)
    } else {
        missed.lock().unwrap_or_else(PoisonError::into_inner).push(asked.to_owned());
        ("404 Not Found", "text/plain", b"not found".to_vec())
    };
    let length = body.len();
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\
         cache-control: no-store\r\nconnection: close\r\n\r\n"
    )?;
    stream.write_all(&body)
}

/// The file of `folder` that the path of an address means; nothing outside of it.
fn file_of(asked: &str, folder: &Path) -> Option<PathBuf> {
    let path = asked.split(['?', '#']).next()?.strip_prefix(SUB_PATH)?;
    let path = Path::new(if path.is_empty() { "index.html" } else { path });
    path.components().all(|part| matches!(part, Component::Normal(_))).then(|| folder.join(path))
}

fn content_type(file: &Path) -> &'static str {
    match file.extension().and_then(|ending| ending.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("json" | "webmanifest") => "application/json",
        _ => "application/octet-stream",
    }
}

#[test]
fn only_what_lies_under_the_sub_path_is_served() {
    let dist = Path::new("dist");
    assert_eq!(file_of("/some/sub/path/", dist), Some(dist.join("index.html")));
    assert_eq!(file_of("/some/sub/path/a.css?v=1", dist), Some(dist.join("a.css")));
    assert_eq!(file_of("/a.css", dist), None);
    assert_eq!(file_of("/some/sub/path/../secret", dist), None);
}
