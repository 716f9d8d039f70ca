//! `wardgate serve`: runs until it is told to end.

use crate::{
    cli::ServeArgs,
    client::Address,
    config::Config,
    control::ReloadFault,
    diagnostics,
    output::{BOLD, Exit, NAME, note, plain, styled},
    profile::Held,
    serve::{self, Running},
};
use std::net::SocketAddr;
use tokio::signal::unix::{Signal, SignalKind, signal};
use wardgate_model::secret::Secret;

pub(super) fn run(args: &ServeArgs) -> anyhow::Result<Exit> {
    log_to_stderr(tracing::Level::INFO);
    let config = match Config::read(&args.config.config) {
        Ok(config) => config,
        Err(found) => {
            diagnostics::show(&found);
            return Ok(Exit::Invalid);
        }
    };
    let public: Vec<_> = config.listeners.iter().map(|listener| (listener.public_url.clone(), listener.tls.is_some())).collect();
    let running = match serve::start(config) {
        Ok(running) => running,
        Err(error) => {
            let Some(ReloadFault::Input(found)) = error.downcast_ref::<ReloadFault>() else { return Err(error) };
            diagnostics::show(found);
            note(&format!("nothing is served: {}", diagnostics::summary(found)));
            return Ok(Exit::Invalid);
        }
    };
    // Whoever reads that it serves may end it: by then it is listened for.
    let ending = Ending::new()?;
    greet(&running, &public);
    if let Some(told) = Held::url_beside(&args.config.config).and_then(|url| strays(&url, running.admin())) {
        note(&told);
    }
    ending.wait();
    note("draining: running requests may end, new ones are refused");
    running.stop();
    Ok(Exit::Done)
}

fn greet(running: &Running, public: &[(Option<String>, bool)]) {
    diagnostics::show(&running.warnings());
    for ((name, address), (url, tls)) in running.addresses().iter().zip(public) {
        let scheme = if *tls { "https" } else { "http" };
        let known_as = url.as_ref().map(|url| format!(" (clients call it {url})")).unwrap_or_default();
        note(&format!("{} {scheme}://{address}{known_as}", styled(NAME, &format!("{name:<8}"))));
    }
    note(&format!("{} http://{}", styled(NAME, "admin   "), running.admin()));
    if let Some(credential) = running.first_credential() {
        show_first(credential);
        note(&format!("  wardgate sign-in --url http://{}", running.admin()));
    }
}

/// What is to be said where commands that are run beside the configuration go elsewhere: an address that was changed after `wardgate init`.
fn strays(url: &str, admin: SocketAddr) -> Option<String> {
    let other = Address::parse(url).is_ok_and(|address| address.port() != admin.port());
    other.then(|| {
        format!(
            "commands that are run here go to {}, as `.wardgate/profile.json` says, and not to this gate: write `\"url\": \"http://{admin}\"` there",
            plain(url)
        )
    })
}

/// Shows the first admin credential of an installation, this once.
pub(super) fn show_first(credential: &Secret<String>) {
    note(&format!(
        "\n{} It is shown this once, good for one sign-in, for 24 hours:\n\n  {}\n",
        styled(BOLD, "The first admin credential."),
        credential.danger_expose()
    ));
}

/// What the process says of itself goes to standard error, a line each; requests go to the event log, never here.
pub(super) fn log_to_stderr(most: tracing::Level) {
    let colour = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let lines = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(colour).with_target(false);
    // A second subscriber in one process (tests) is refused: the first stays.
    let _first_stays = lines.with_max_level(most).try_init();
}

/// Ctrl-C and SIGTERM, listened for from when on this is there.
struct Ending {
    runtime: tokio::runtime::Runtime,
    interrupt: Signal,
    terminate: Signal,
}

impl Ending {
    fn new() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (interrupt, terminate) = {
            let _within = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        Ok(Self { runtime, interrupt, terminate })
    }

    /// Waits for one of them.
    fn wait(mut self) {
        self.runtime.block_on(async {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::strays;

    #[test]
    fn who_moved_the_management_api_is_told_where_commands_go() {
        let admin = "127.0.0.1:21080".parse().unwrap();
        assert_eq!((strays("http://127.0.0.1:21080", admin), strays("http://localhost:21080", admin)), (None, None));
        let told = strays("http://127.0.0.1:9080", admin).unwrap();
        assert!(told.contains("go to http://127.0.0.1:9080") && told.contains(r#""url": "http://127.0.0.1:21080""#), "{told}");
    }
}
