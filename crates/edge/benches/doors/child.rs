//! A server in a process of its own, and the time that it was on a core.

use crate::Failed;
use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

/// A running server. It ends with this.
pub(crate) struct Server {
    child: Child,
    told: BTreeMap<String, String>,
}

impl Server {
    /// Starts this program as another server, and waits until it has said all that is wanted.
    pub(crate) fn start(words: &[&str], wanted: &[&str]) -> Result<Self, Failed> {
        let mut child = Command::new(std::env::current_exe()?).args(words).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let out = child.stdout.take().ok_or("no pipe")?;
        let mut server = Self { child, told: BTreeMap::new() };
        let mut lines = BufReader::new(out).lines();
        while !wanted.iter().all(|name| server.told.contains_key(*name)) {
            let line = lines.next().ok_or("a server ended before it was ready")??;
            let (name, value) = line.split_once(' ').unwrap_or((&line, ""));
            if name == "error:" {
                return Err(value.into());
            }
            server.told.insert(name.to_owned(), value.to_owned());
        }
        Ok(server)
    }

    /// What it said under a name.
    pub(crate) fn told(&self, name: &str) -> Result<&str, Failed> {
        Ok(self.told.get(name).ok_or_else(|| format!("a server did not say its `{name}`"))?)
    }

    /// Where it listens.
    pub(crate) fn address(&self, name: &str) -> Result<SocketAddr, Failed> {
        Ok(self.told(name)?.parse()?)
    }

    /// Microseconds that its threads were on a core so far: the first figure of `schedstat` (proc(5)) of each.
    pub(crate) fn on_core(&self) -> Result<f64, Failed> {
        let mut sum = 0.0;
        for task in fs::read_dir(Path::new("/proc").join(self.child.id().to_string()).join("task"))? {
            let told = fs::read_to_string(task?.path().join("schedstat"))?;
            sum += told.split(' ').next().ok_or("an empty schedstat")?.parse::<f64>()? / 1e3;
        }
        Ok(sum)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill().and_then(|()| self.child.wait());
    }
}
