//! kill -9 loses no change that was acknowledged.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};
use wardgate_model::{id::SecretName, time::Time};
use wardgate_store::{Actor, Precondition, Sealed, Store, Who};

const CHILD: &str = "WARDGATE_TEST_STORE";

/// The child: puts secrets for ever and tells each one that was acknowledged. A plain run has nothing to do here.
#[tokio::test]
async fn writer() {
    let Some(url) = std::env::var_os(CHILD).and_then(|u| u.into_string().ok()) else { return };
    let store = Store::open(&url).await.unwrap();
    let (actor, name) = (Actor::new(Who::Process, "kill"), SecretName::parse("erp").unwrap());
    loop {
        let now = Time::from_seconds(1_800_000_000);
        let put = store.put_secret(&actor, &name, &Sealed::new(*b"material"), Precondition::Any, now).await.unwrap();
        // Behind the test harness's back: it captures what `println!` says.
        writeln!(std::io::stderr(), "acknowledged {}", put.revision).unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_outlives_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("wardgate.db").display());
    let mut acknowledged = 0;
    for round in 1..=5_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::writer", "--nocapture", "--test-threads", "1"])
            .env(CHILD, &url)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut told = 0;
        // Another moment in each round: after so many acknowledgements.
        while told < round * 3 {
            let line = lines.next().unwrap().unwrap();
            if let Some(seq) = line.strip_prefix("acknowledged ") {
                acknowledged = seq.parse().unwrap();
                told += 1;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();

        let store = Store::open(&url).await.unwrap();
        let last = store.last_seq().await.unwrap();
        assert!(last >= acknowledged, "round {round}: {acknowledged} was acknowledged, {last} is there");
        let changes = store.changes_since(0, 1_000).await.unwrap();
        assert_eq!(changes.iter().map(|c| c.seq).collect::<Vec<_>>(), (1..=last).collect::<Vec<_>>());
        assert_eq!(store.secrets().await.unwrap()[0].version, last);
        store.close().await;
    }
}
