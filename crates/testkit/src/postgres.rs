//! A real PostgreSQL for tests: one temporary server for a test process, a database of its own for each test.
//!
//! The server lives in a new temporary directory, listens on a socket in there and nowhere else, and ends with the test
//! process, however that ends: a shell beside it waits for the end of its standard input, stops the server by its id
//! and removes the directory. It begins as a copy of a cluster that is made once and kept in the target directory.
//! PostgreSQL does not run as root: started by root, it runs as the user `postgres`.

use std::{
    ffi::OsStr,
    fs::File,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, BufRead, BufReader},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// Whether the server waits until what it wrote is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    /// It does: for tests that kill it.
    Waits,
    /// It does not: quicker.
    DoesNotWait,
}

/// A server that is running.
#[derive(Debug)]
pub struct Server {
    programs: PathBuf,
    directory: PathBuf,
    databases: AtomicU32,
    // The end of its standard input ends the server.
    _keeper: Child,
}

/// Makes an empty cluster at a place. Arguments: the programs' folder, the place, what makes a command its user's.
const CLUSTER: &str = r#"
set -eu
programs=$1 place=$2
shift 2
directory=$(mktemp -d "${TMPDIR:-/tmp}/postgres.XXXXXX")
trap 'rm -rf "$directory"' EXIT
if [ $# -gt 0 ]; then chown postgres "$directory"; fi
cd "$directory"
initdb() { "$@" -D data -U wardgate -A trust -E UTF8 --locale=C --no-sync $options >log 2>&1; }
# Another order of texts than that of their bytes, so that whoever forgets it is found out; older servers have none of it.
options='--locale-provider=icu --icu-locale=en'
initdb "$@" "$programs/initdb" || { rm -rf data; options=''; initdb "$@" "$programs/initdb"; } || { cat log; exit 1; }
cp -a data "$place"
"#;

/// Makes the server of a copied cluster, tells where it lives, and ends it when its input ends. Arguments: the programs' folder, the
/// cluster, `fsync`, what makes a command its user's.
const KEEPER: &str = r#"
set -eu
trap '' INT
programs=$1 cluster=$2 fsync=$3
shift 3
directory=$(mktemp -d "${TMPDIR:-/tmp}/postgres.XXXXXX")
if [ $# -gt 0 ]; then chown postgres "$directory"; fi
cd "$directory"
end() { "$@" "$programs/pg_ctl" stop -D data -m immediate -s >/dev/null 2>&1 || true; cd /; rm -rf "$directory"; }
trap 'end "$@"' EXIT
cp -a "$cluster" data
cat >>data/postgresql.conf <<END
listen_addresses = ''
unix_socket_directories = '$directory'
fsync = $fsync
full_page_writes = $fsync
max_connections = 200
shared_buffers = 32MB
END
"$@" "$programs/pg_ctl" start -D data -l log -w -s >/dev/null 2>&1 || { cat log; exit 1; }
echo "directory $directory"
read -r _ || true
"#;

/// The server that the tests of this process share.
///
/// # Errors
/// PostgreSQL is not installed, or did not start.
pub fn shared() -> io::Result<&'static Server> {
    static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
    let server = SERVER.get_or_init(|| Server::start(Disk::DoesNotWait).map_err(|e| e.to_string()));
    server.as_ref().map_err(|said| io::Error::other(said.clone()))
}

impl Server {
    /// Starts a server.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or did not start.
    pub fn start(disk: Disk) -> io::Result<Self> {
        let programs = programs().ok_or_else(|| {
            let why = "PostgreSQL is not installed: `./check` installs it, or put `initdb`, `pg_ctl` and `psql` on the PATH";
            io::Error::new(io::ErrorKind::NotFound, why)
        })?;
        let fsync = if disk == Disk::Waits { "on" } else { "off" };
        let cluster = cluster(&programs)?;
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .args([programs.as_os_str(), cluster.as_os_str(), fsync.as_ref()])
            .args(its_user())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .current_dir("/")
            .spawn()?;
        let lines = keeper.stdout.take().map(|out| BufReader::new(out).lines()).into_iter().flatten();
        let mut said = String::new();
        for line in lines {
            let line = line?;
            if let Some(directory) = line.strip_prefix("directory ") {
                return Ok(Self { programs, directory: directory.into(), databases: AtomicU32::new(0), _keeper: keeper });
            }
            said.push_str(&line);
            said.push('\n');
        }
        Err(io::Error::other(format!("PostgreSQL did not start: {said}")))
    }

    /// Makes a new database and gives its address.
    ///
    /// # Errors
    /// The server does not answer.
    pub fn database(&self) -> io::Result<String> {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name} TEMPLATE template0"))?;
        // The path of the socket's directory stands where a host would: its slashes are escaped (RFC 3986 §3.2.2).
        let host = self.directory.display().to_string().replace('/', "%2F");
        Ok(format!("postgres://wardgate@{host}/{name}"))
    }

    /// Runs a statement in a database of the server and gives what it prints.
    ///
    /// # Errors
    /// What the server says.
    pub fn sql(&self, database: &str, statement: &str) -> io::Result<String> {
        let database = database.rsplit('/').next().unwrap_or(database);
        self.run("psql", &["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-U", "wardgate", "-d", database, "-c", statement])
    }

    /// Everything in a database, as text.
    ///
    /// # Errors
    /// What the server says.
    pub fn dump(&self, url: &str) -> io::Result<String> {
        self.run("pg_dump", &["-U", "wardgate", url.rsplit('/').next().unwrap_or(url)])
    }

    /// Ends the server at once (SIGQUIT), as a crash does: nothing is written any more, clients are cut off.
    ///
    /// # Errors
    /// What the server says.
    pub fn crash(&self) -> io::Result<()> {
        self.run("pg_ctl", &["stop", "-D", "data", "-m", "immediate", "-s"]).map(drop)
    }

    /// Starts it again after [`Server::crash`].
    ///
    /// # Errors
    /// What the server says.
    pub fn start_again(&self) -> io::Result<()> {
        self.run("pg_ctl", &["start", "-D", "data", "-l", "log", "-w", "-s"]).map(drop)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> io::Result<String> {
        // The server that `pg_ctl` starts keeps what it inherits open: it gets nothing of ours.
        let done = as_its_user(self.programs.join(program))
            .args(arguments)
            .env("PGHOST", &self.directory)
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .output()?;
        if done.status.success() {
            return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
        }
        Err(io::Error::other(format!("`{program}`: {}", String::from_utf8_lossy(&done.stderr))))
    }
}

/// An empty cluster that servers begin as copies of: making one takes a second of a core, copying it a tenth of one. The first process
/// that wants it makes it, others wait for its lock, and it stays in the target directory, apart for each version and way of making it.
fn cluster(programs: &Path) -> io::Result<PathBuf> {
    let version = Command::new(programs.join("initdb")).arg("--version").stdin(Stdio::null()).output()?.stdout;
    let mut made = DefaultHasher::new();
    (version, programs, CLUSTER, its_user(), std::fs::metadata("/proc/self").map_or(0, |process| process.uid())).hash(&mut made);
    // A test stands in `target/PROFILE/deps`.
    let test = std::env::current_exe()?;
    let target = test.ancestors().nth(3).ok_or_else(|| io::Error::other("the test is in no target directory"))?.join("tmp");
    std::fs::create_dir_all(&target)?;
    let place = target.join(format!("postgres-{:016x}", made.finish()));
    let lock = File::options().create(true).append(true).open(place.with_extension("lock"))?;
    lock.lock()?;
    if !place.exists() {
        // Whole or not at all, also when somebody ends this process.
        let begun = place.with_extension(std::process::id().to_string());
        let done = Command::new("sh")
            .args(["-c", CLUSTER, "cluster"])
            .args([programs, &begun])
            .args(its_user())
            .stdin(Stdio::null())
            .current_dir("/")
            .output()?;
        if !done.status.success() {
            let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
            return Err(io::Error::other(format!("PostgreSQL made no cluster: {out}{err}")));
        }
        std::fs::rename(begun, &place)?;
    }
    Ok(place)
}

/// What makes a command one of a user that PostgreSQL runs as: what it begins with, nothing unless we are root.
fn its_user() -> &'static [&'static str] {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if is_root { &["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"] } else { &[] }
}

/// A command as a user that PostgreSQL runs as.
fn as_its_user(program: impl AsRef<OsStr>) -> Command {
    let [first, rest @ ..] = its_user() else { return Command::new(program) };
    let mut command = Command::new(first);
    command.args(rest).arg(program);
    command
}

/// The folder of PostgreSQL's own programs: the newest that Debian has installed, or the one on the PATH.
fn programs() -> Option<PathBuf> {
    let complete = |folder: &Path| ["initdb", "pg_ctl", "psql", "pg_dump"].iter().all(|program| folder.join(program).exists());
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut installed: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| complete(folder))
        .collect();
    installed.sort();
    let on_path = || std::env::split_paths(&std::env::var_os("PATH")?).find(|folder| complete(folder));
    installed.pop().map(|(_, folder)| folder).or_else(on_path)
}
