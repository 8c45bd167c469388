//! Packages of the operating system, on Debian and its relatives.

use crate::failure::Result;
use crate::machine::Machine;
use crate::report;

/// How packages can be installed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Apt {
    /// The person is root.
    Root,
    /// `sudo` is there.
    Sudo,
    /// There is no apt-get, or no right to use it.
    Absent,
}

impl Apt {
    /// Looks for apt-get and the right to use it.
    pub(crate) fn here(machine: &Machine) -> Self {
        if machine.find("apt-get").is_none() {
            return Self::Absent;
        }
        let user = machine.run("id").args(["-u"]).output();
        if user.is_ok_and(|id| id.trim() == "0") {
            Self::Root
        } else if machine.find("sudo").is_some() {
            Self::Sudo
        } else {
            Self::Absent
        }
    }

    /// Installs `packages` without what they merely recommend.
    pub(crate) fn install(
        self,
        machine: &Machine,
        packages: &[&str],
        estimate: &str,
    ) -> Result<()> {
        report::timed(&format!("Installing {} with apt-get", packages.join(", ")), estimate, || {
            self.apt_get(machine, &["update", "-qq"])?;
            let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
            arguments.extend(packages);
            self.apt_get(machine, &arguments)
        })
    }

    fn apt_get(self, machine: &Machine, arguments: &[&str]) -> Result<()> {
        let run = match self {
            Self::Sudo => machine.run("sudo").args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]),
            Self::Root | Self::Absent => {
                machine.run("apt-get").env("DEBIAN_FRONTEND", "noninteractive")
            }
        };
        run.args(arguments.iter().copied()).run()
    }
}
