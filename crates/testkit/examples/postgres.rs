//! A PostgreSQL server of its own for a measurement: prints the address of an empty database, and ends with its standard input.

use std::io::{self, Write as _};
use wardgate_testkit::postgres::{Disk, Server};

fn main() -> io::Result<()> {
    let server = Server::start(Disk::Waits)?;
    let mut out = io::stdout().lock();
    writeln!(out, "{}", server.database()?)?;
    out.flush()?;
    io::copy(&mut io::stdin().lock(), &mut io::sink())?;
    Ok(())
}
