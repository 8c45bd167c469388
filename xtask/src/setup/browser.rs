//! Chromium (or Chrome) and the chromedriver that drives it, for the browser tests.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::machine::{Machine, Version};
use crate::report;
use crate::setup::packages::Apt;

const BROWSERS: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const MAC_CHROME: &str = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";
const REMEDY: &str = "\
install Chrome or Chromium and a chromedriver of the same version:
    Debian:   apt-get install chromium chromium-driver
    macOS:    brew install --cask google-chrome chromedriver
    Windows:  winget install Google.Chrome Chromium.ChromeDriver
    others:   https://googlechromelabs.github.io/chrome-for-testing/
  then put chromedriver on the PATH, or its path into CHROMEDRIVER";

/// A browser and a driver that fit together.
pub(crate) fn ensure(machine: &Machine) -> Result<()> {
    if browser(machine).is_none() || driver(machine).is_none() {
        let apt = Apt::here(machine);
        if apt == Apt::Absent {
            return Err(Failure::new("the browser tests need Chromium and chromedriver", REMEDY));
        }
        apt.install(machine, &["chromium", "chromium-driver"], "1 to 2 minutes, once")
            .map_err(|failure| failure.remedy(REMEDY))?;
    }
    let driver =
        driver(machine).ok_or_else(|| Failure::new("no chromedriver was found", REMEDY))?;
    let browser = browser(machine).ok_or_else(|| Failure::new("no Chromium was found", REMEDY))?;
    match (version(machine, &browser), version(machine, &driver)) {
        (Some(browser), Some(driver)) if browser.major() != driver.major() => Err(Failure::new(
            format!("browser {browser} and chromedriver {driver} do not fit together"),
            REMEDY,
        )),
        (Some(browser), Some(_)) => {
            report::found(&format!("Chromium {browser} and its driver"));
            Ok(())
        }
        _ => {
            // Chrome on Windows does not tell its version; the driver will complain if it must.
            report::found("a browser and chromedriver");
            Ok(())
        }
    }
}

/// The chromedriver to use: the one of CHROMEDRIVER, else the one on the search path.
pub(crate) fn driver(machine: &Machine) -> Option<PathBuf> {
    std::env::var_os("CHROMEDRIVER").map(PathBuf::from).or_else(|| machine.find("chromedriver"))
}

fn browser(machine: &Machine) -> Option<PathBuf> {
    let mac = Path::new(MAC_CHROME);
    BROWSERS
        .iter()
        .find_map(|name| machine.find(name))
        .or_else(|| mac.is_file().then(|| mac.to_path_buf()))
        // Chrome on Windows is never on the PATH; chromedriver knows where it is.
        .or_else(|| cfg!(windows).then(|| PathBuf::from("chrome")))
}

fn version(machine: &Machine, program: &Path) -> Option<Version> {
    if cfg!(windows) {
        return None;
    }
    let output = machine.run(&program.to_string_lossy()).args(["--version"]).output().ok()?;
    Version::first_in(&output)
}
