//! Who gets at the disk can change the record, but not so that nobody sees it.

use super::Scene;
use crate::{
    demo::{
        caller::{Call, Protocol},
        play::{Play, Side, Want},
        stage::{Stage, until},
    },
    evidence,
};
use anyhow::Context as _;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc::sync_channel,
    time::Duration,
};
use wardgate_audit::{
    hot::{self, Tail},
    note::Trusted,
    seal::SealError,
    segment::{self, find::Wanted},
    sink::{Log, Options},
    verify::{Asked, Depth, Report, verify},
};

/// How long it may take to seal a copy of the log.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) const SCENE: Scene = Scene {
    name: "tampering-found",
    promise: "whoever edits, removes or cuts records of the event log is found out, and the record, or the sealed segment, is named",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let mut line = stage.gateway().open(Protocol::Http2).await?;
    let honest = Call::get("/shop/orders").key(stage.key("orders-sync")?).about("an ordinary read");
    stage.ask(play, &mut line, (Side::Honest, "orders-sync"), honest, Want::Served).await?;
    let grab = Call::get("/shop/export").key(stage.key("analytics-reader")?).about("what the intruder wants forgotten");
    let refused = Want::Refused("standing.denied");
    let answer = stage.ask(play, &mut line, (Side::Abuse, "analytics-reader"), grab, refused).await?;
    let request = answer.field("wardgate-request-id").context("a refusal has a request id")?.to_owned();
    let seq = stage.event("shop", &request).await?.get("seq").and_then(serde_json::Value::as_u64).context("an event has a number")?;

    let copies = tempfile::tempdir()?;
    let log = Copied::of(stage, &copies.path().join("log"), seq).await?;
    play.claim("the log as it is was found whole", log.look()?.findings.is_empty());
    for (how, change) in [("edited", Change::Edit), ("removed", Change::Remove), ("cut off with all after it", Change::Cut)] {
        let name = format!("{seq}-{how}").replace(' ', "-");
        let changed = log.copy(&copies.path().join(name))?;
        changed.apply(change, seq)?;
        let findings = changed.look()?.findings;
        let named = findings.iter().map(ToString::to_string).find(|finding| finding.contains(&seq.to_string()));
        play.claim(format!("the record of it {how} on the disk: {}", named.as_deref().unwrap_or("not found")), named.is_some());
    }
    let sealed = log.sealed(stage, &copies.path().join("sealed")).await?;
    play.claim("the log was found whole when all of it was sealed", sealed.look()?.findings.is_empty());
    let file = sealed.edit_a_segment()?;
    let findings = sealed.look()?.findings;
    let named = findings.iter().map(ToString::to_string).find(|finding| finding.contains(&file));
    play.claim(format!("a byte changed in a sealed segment: {}", named.as_deref().unwrap_or("not found")), named.is_some());
    Ok(())
}

/// What the intruder does to the record.
#[derive(Clone, Copy)]
enum Change {
    /// Makes another word of one of its bytes.
    Edit,
    /// Takes it out, so that what is left reads well.
    Remove,
    /// Takes it and everything newer away.
    Cut,
}

/// A copy of the log, and whom to believe what it says.
struct Copied {
    directory: PathBuf,
    trusted: Trusted,
}

impl Copied {
    /// A copy of the stage's log as it stands once the event with this number is signed.
    async fn of(stage: &Stage, to: &Path, seq: u64) -> anyhow::Result<Self> {
        let config = stage.config()?;
        let trusted = Trusted::of(evidence::verifier(&config)?);
        let audit = config.audit;
        until("the signature over an event", async || {
            let report = look(&audit, &trusted)?;
            let signed = report.sealed.saturating_add(report.in_tails).saturating_sub(report.unsigned);
            Ok((report.findings.is_empty() && signed >= seq).then_some(()))
        })
        .await?;
        copy(&audit, to)?;
        Ok(Self { directory: to.to_owned(), trusted })
    }

    fn copy(&self, to: &Path) -> anyhow::Result<Self> {
        copy(&self.directory, to)?;
        Ok(Self { directory: to.to_owned(), trusted: self.trusted.clone() })
    }

    /// A copy of which all is sealed, as it is once a tail is full or old: who erases has what there is sealed first, also where nothing
    /// is to be erased.
    async fn sealed(&self, stage: &Stage, to: &Path) -> anyhow::Result<Self> {
        let copied = self.copy(to)?;
        let options = Options { anchors: Vec::new(), storage: None, ..evidence::options(&stage.config()?)? };
        let directory = copied.directory.clone();
        let seal = move || -> anyhow::Result<()> {
            let (log, writer) = Log::start(&directory, &options)?;
            let (sender, receiver) = sync_channel(1);
            let done = Box::new(move |erased: Result<u64, SealError>| drop(sender.send(erased)));
            log.erase(Wanted { seq: 0..=0, ..Wanted::default() }, "nothing", done)?;
            receiver.recv_timeout(PATIENCE)??;
            let _ = writer.close(PATIENCE);
            Ok(())
        };
        tokio::task::spawn_blocking(seal).await??;
        Ok(copied)
    }

    /// Changes a byte in the middle of the newest segment; gives the segment's name.
    fn edit_a_segment(&self) -> anyhow::Result<String> {
        let folder = self.directory.join("segments");
        let newest = segment::names(&folder)?.into_iter().max().context("something is sealed")?.to_string();
        let path = folder.join(&newest);
        let mut bytes = fs::read(&path)?;
        let middle = bytes.len() / 2;
        *bytes.get_mut(middle).context("a segment has bytes")? ^= 1;
        fs::write(&path, &bytes)?;
        Ok(newest)
    }

    fn look(&self) -> anyhow::Result<Report> {
        look(&self.directory, &self.trusted)
    }

    /// Changes the record in the tail that holds it.
    fn apply(&self, change: Change, seq: u64) -> anyhow::Result<()> {
        let names = hot::names(&self.directory)?;
        let name = names.iter().rfind(|name| name.first_seq <= seq).context("the event is in a tail")?;
        let path = self.directory.join(name.to_string());
        let mut bytes = fs::read(&path)?;
        let ends: Vec<usize> = Tail::read(&bytes)?.frames().map(|frame| frame.end).collect();
        let at = usize::try_from(seq - name.first_seq)?;
        let end = *ends.get(at).context("the event is in the tail")?;
        let begin = at.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(hot::HEADER.len());
        match change {
            Change::Edit => {
                let byte = bytes.get_mut(begin.midpoint(end)).context("a record has bytes")?;
                *byte ^= 1;
            }
            Change::Remove => drop(bytes.drain(begin..end)),
            Change::Cut => bytes.truncate(begin),
        }
        Ok(fs::write(&path, bytes)?)
    }
}

fn look(directory: &Path, trusted: &Trusted) -> anyhow::Result<Report> {
    Ok(verify(directory, &Asked { trusted, remembered: None, depth: Depth::Records }, &mut |_| {})?)
}

/// Copies a directory with all in it. What goes away meanwhile is not copied.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else if entry.path().exists() {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
