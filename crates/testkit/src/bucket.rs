//! A server that speaks like S3, for tests: `moto`, which `./check` installs. It ends with the test process.

use std::{
    io::{self, BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

/// Serves until its standard input ends; tells the port.
const SERVER: &str = r"
import os, sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address='127.0.0.1', port=int(sys.argv[1]), verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
os._exit(0)
";

/// A server that is running. It keeps everything in memory, and ends when it is dropped.
#[derive(Debug)]
pub struct Objects {
    server: Child,
    port: u16,
}

impl Drop for Objects {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

impl Objects {
    /// Starts one at a port, or with 0 wherever there is room, with an empty bucket.
    ///
    /// # Errors
    /// When it is not installed (`./check` does that), or does not start.
    pub fn start(port: u16, bucket: &str) -> io::Result<Self> {
        let python = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/bucket/bin/python");
        let mut server = Command::new(python)
            .args(["-c", SERVER, &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| io::Error::other(format!("moto is not installed, `./check` does that: {error}")))?;
        let mut said = String::new();
        let out = server.stdout.take().ok_or_else(|| io::Error::other("it says nothing"))?;
        BufReader::new(out).read_line(&mut said)?;
        let port = said.trim().parse().map_err(|_| io::Error::other("moto did not start"))?;
        let objects = Self { server, port };
        objects.curl(&["-X", "PUT"], bucket)?;
        Ok(objects)
    }

    /// The port that it listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its URL.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The names of the objects in a bucket, in order.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn names(&self, bucket: &str) -> io::Result<Vec<String>> {
        let list = String::from_utf8_lossy(&self.curl(&[], &format!("{bucket}?list-type=2"))?).into_owned();
        Ok(list.split("<Key>").skip(1).filter_map(|rest| Some(rest.split_once("</Key>")?.0.to_owned())).collect())
    }

    /// The bytes of an object.
    ///
    /// # Errors
    /// When there is none.
    pub fn get(&self, bucket: &str, name: &str) -> io::Result<Vec<u8>> {
        self.curl(&[], &format!("{bucket}/{name}"))
    }

    /// Puts other bytes in the place of an object's.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn put(&self, bucket: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut curl = self
            .command(&["-X", "PUT", "-H", "content-type: application/octet-stream", "--data-binary", "@-"], &format!("{bucket}/{name}"));
        let mut running = curl.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        running.stdin.take().map_or(Ok(()), |mut input| io::Write::write_all(&mut input, bytes))?;
        if running.wait()?.success() { Ok(()) } else { Err(io::Error::other("it was not put")) }
    }

    /// Takes an object away.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn delete(&self, bucket: &str, name: &str) -> io::Result<()> {
        self.curl(&["-X", "DELETE"], &format!("{bucket}/{name}")).map(drop)
    }

    fn command(&self, arguments: &[&str], path: &str) -> Command {
        let mut curl = Command::new("curl");
        // Another opinion on how a request is signed.
        curl.args([
            "-sS",
            "--fail",
            "--noproxy",
            "*",
            "--max-time",
            "60",
            "--aws-sigv4",
            "aws:amz:us-east-1:s3",
            "--user",
            "AKIDEXAMPLE:s3cret",
        ])
        .args(arguments)
        .arg(format!("{}/{path}", self.endpoint()));
        curl
    }

    fn curl(&self, arguments: &[&str], path: &str) -> io::Result<Vec<u8>> {
        let output = self.command(arguments, path).output()?;
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
        }
    }
}
