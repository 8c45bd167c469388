//! `cargo xtask serve`: the page on this machine, rebuilt on every change.

use std::net::{Ipv4Addr, TcpListener};

use crate::failure::{Failure, Result};
use crate::machine::Machine;
use crate::setup;

/// The port that is tried first.
const PORT: u16 = 8080;

/// What the person asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    port: Option<u16>,
    open: bool,
    debug: bool,
}

impl Options {
    /// Reads the words after `serve`.
    pub(crate) fn parse(words: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--open" => options.open = true,
                "--debug" => options.debug = true,
                "--port" => {
                    let number = words.next().map_or("", String::as_str);
                    let port = number.parse().map_err(|error| {
                        Failure::new(
                            format!("`--port {number}` names no port: {error}"),
                            "give a number from 1 to 65535, as in `--port 8081`",
                        )
                    })?;
                    options.port = Some(port);
                }
                other => {
                    return Err(Failure::new(
                        format!("serve does not know `{other}`"),
                        "`cargo xtask help` lists what it takes",
                    ));
                }
            }
        }
        Ok(options)
    }
}

/// Serves until the person stops it.
pub(crate) fn run(machine: &mut Machine, options: &Options) -> Result<()> {
    setup::for_serving(machine)?;
    let port = free_port(options.port)?.to_string();
    // Release speed without wasm-opt: the simulator runs as it will on the finished page, and a
    // rebuild does not wait for the last tenth of the bytes.
    let profile = if options.debug { "dev" } else { "release" };
    let dist = machine.root.join("target").join("serve");
    let dist = dist.to_string_lossy().into_owned();
    std::fs::create_dir_all(&dist).map_err(|error| {
        Failure::new(format!("cannot make {dist}: {error}"), "may this folder be written to?")
    })?;
    println!("==> Compiling the page (first time about a minute, then seconds)");
    println!("==> When it is built: http://127.0.0.1:{port}/   (Ctrl+C ends it)");
    let mut arguments = vec!["serve", "--cargo-profile", profile, "--port", &port, "--dist", &dist];
    if options.open {
        arguments.push("--open");
    }
    machine.run("trunk").args(arguments).run()
}

fn free_port(wanted: Option<u16>) -> Result<u16> {
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    match wanted {
        Some(port) if is_free(&port) => Ok(port),
        Some(port) => Err(Failure::new(
            format!("port {port} is in use by another program"),
            "choose another with `--port`, or leave it out to take the next free one",
        )),
        None => (PORT..PORT + 20).find(is_free).ok_or_else(|| {
            Failure::new(
                format!("no port from {PORT} to {} is free", PORT + 19),
                "choose one with `cargo xtask serve --port N`",
            )
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Options> {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        Options::parse(&words)
    }

    #[test]
    fn options_are_read_in_any_order() {
        let expected = Options { port: Some(9000), open: true, debug: false };
        assert_eq!(parse(&["--open", "--port", "9000"]), Ok(expected));
    }

    #[test]
    fn a_port_that_is_no_number_is_named_in_the_error() {
        let failure = parse(&["--port", "http"]).unwrap_err();
        assert!(failure.to_string().contains("`--port http`"), "{failure}");
    }

    #[test]
    fn a_port_in_use_is_refused_when_asked_for_and_passed_over_when_not() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert!(free_port(Some(port)).is_err());
        assert!(free_port(None).is_ok());
    }
}
