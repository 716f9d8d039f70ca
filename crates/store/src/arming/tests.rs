use super::{ARMERS_MAX, Armers};
use crate::{
    Actor, Behind, Needs, NewApproval, Precondition, ResourceChange, WAITING_OF_ONE_MAX, Who,
    database::query,
    feed::Writing,
    world::{HOUR, NOW, World, actor, credential, id, identity, on_both, resource},
};
use serde_json::json;
use wardgate_model::id::{ApprovalId, OwnerName};

on_both! {
    whoever_issued_it_stands_behind_it,
    only_the_first_sign_ins_are_handed_over,
    what_was_asked_for_keeps_who_stands_behind_it,
    what_is_older_than_this_is_not_known,
    one_requester_does_not_take_all_the_places,
    an_approved_act_is_finished_once,
}

fn shown(armers: &Armers) -> String {
    match armers {
        Armers::Known(all) => all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        Armers::Unknown => "unknown".to_owned(),
    }
}

impl World {
    async fn armers(&self, key: &str) -> String {
        shown(&self.store.armers(&id(key)).await.unwrap())
    }

    /// `root SESSIONAAAAA | sign_in KEYAAAAAAAAA sam/sign-in 1`: who issues, by which credential (`-`: none), what.
    async fn arm(&self, text: &str) -> String {
        let (by, new) = text.split_once(" | ").unwrap();
        let (who, key) = by.split_once(' ').unwrap();
        let by = actor(who, "");
        let by = if key == "-" { by } else { by.by(id(key)) };
        let new = credential(new);
        let key = new.id;
        match self.store.issue_credential(&by, new, NOW).await {
            Ok(_) => self.armers(key.as_str()).await,
            Err(fault) => fault.to_string(),
        }
    }

    async fn sign_in(&self, who: &str, key: &str, session: &str) -> String {
        let session = credential(&format!("session {session} {who}/session 12"));
        let made = session.id;
        self.store.spend_sign_in(&actor(who, "").by(id(key)), &id(key), session, NOW).await.unwrap();
        self.armers(made.as_str()).await
    }
}

async fn whoever_issued_it_stands_behind_it(world: World) {
    let process = Actor::new(Who::Process, "first start");
    world.store.issue_credential(&process, credential("sign_in AAAAAAAAAAAA root/sign-in 1"), NOW).await.unwrap();
    assert_eq!(world.sign_in("root", "AAAAAAAAAAAA", "SAAAAAAAAAAA").await, "", "the program handed it out");
    assert_eq!(world.arm("root SAAAAAAAAAAA | sign_in BBBBBBBBBBBB sam/sign-in 1").await, "root");
    assert_eq!(world.sign_in("sam", "BBBBBBBBBBBB", "SBBBBBBBBBBB").await, "root");
    assert_eq!(world.arm("sam SBBBBBBBBBBB | sign_in CCCCCCCCCCCC kim/sign-in 1").await, "root sam");
    assert_eq!(world.sign_in("kim", "CCCCCCCCCCCC", "SCCCCCCCCCCC").await, "root sam");
    // One's own next sign-in is armed by whoever armed this session, and so is a key for another.
    assert_eq!(world.arm("sam SBBBBBBBBBBB | sign_in DDDDDDDDDDDD sam/sign-in 1").await, "root");
    assert_eq!(world.arm("kim SCCCCCCCCCCC | sign_in EEEEEEEEEEEE sam/sign-in 1").await, "kim root", "nobody arms itself");
    assert_eq!(world.arm("kim SCCCCCCCCCCC | api_key FFFFFFFFFFFF bot/main 1").await, "kim root sam");
    let rotated = credential("api_key GGGGGGGGGGGG bot/main 1");
    world.store.rotate_credential(&actor("sam", "").by(id("SBBBBBBBBBBB")), &id("FFFFFFFFFFFF"), rotated, NOW + HOUR, NOW).await.unwrap();
    assert_eq!(world.armers("GGGGGGGGGGGG").await, "root sam", "a new key is armed by whoever rotates");
    let many = [credential("api_key HHHHHHHHHHHH other/main 1"), credential("api_key JJJJJJJJJJJJ kim/main 1")];
    world.store.issue_credentials(&actor("kim", "").by(id("SCCCCCCCCCCC")), &many, NOW).await.unwrap();
    assert_eq!((world.armers("HHHHHHHHHHHH").await.as_str(), world.armers("JJJJJJJJJJJJ").await.as_str()), ("kim root sam", "root sam"));
    // Whoever broke the glass stands before the machine.
    world.store.issue_credential(&process, credential("break_glass KKKKKKKKKKKK root/glass 1"), NOW).await.unwrap();
    assert_eq!(world.arm("root KKKKKKKKKKKK | sign_in LLLLLLLLLLLL sam/sign-in 1").await, "");
    assert_eq!(world.arm("root ZZZZZZZZZZZZ | sign_in MMMMMMMMMMMM sam/sign-in 1").await, "unknown");
    world.store.revoke_credential(&process, &id("SBBBBBBBBBBB"), Precondition::Any, NOW).await.unwrap();
    assert_eq!(world.armers("SBBBBBBBBBBB").await, "root", "it is kept with what has ended");
    // As many as are kept, and not one more.
    let crowd = (0..ARMERS_MAX).map(|n| identity(&format!("one-{n}"))).collect();
    let by = actor("last", "").armed_by(Armers::Known(crowd));
    let said = world.store.issue_credential(&by, credential("sign_in NNNNNNNNNNNN sam/sign-in 1"), NOW).await.unwrap_err();
    let wanted = "identity `sam` would be armed by more than 16 identities, one after another: have an earlier one issue it";
    assert_eq!(said.to_string(), wanted);
    let by = actor("last", "").armed_by(Armers::Unknown);
    world.store.issue_credential(&by, credential("sign_in PPPPPPPPPPPP sam/sign-in 1"), NOW).await.unwrap();
    assert_eq!(world.armers("PPPPPPPPPPPP").await, "unknown", "what is not known stays so");
}

async fn only_the_first_sign_ins_are_handed_over(world: World) {
    let process = Actor::new(Who::Process, "first start");
    world.store.issue_credential(&process, credential("session SAAAAAAAAAAA root/session 12"), NOW).await.unwrap();
    let by = actor("root", "").by(id("SAAAAAAAAAAA"));
    let hand = async |new: &str| {
        let new = credential(new);
        let key = new.id;
        world.store.hand_over_credential(&by, new, NOW).await.unwrap();
        world.armers(key.as_str()).await
    };
    assert_eq!(hand("sign_in BBBBBBBBBBBB sam/sign-in 1").await, "");
    assert_eq!(hand("sign_in CCCCCCCCCCCC kim/sign-in 1").await, "", "until somebody else has signed in");
    assert_eq!(world.sign_in("sam", "BBBBBBBBBBBB", "SBBBBBBBBBBB").await, "");
    assert_eq!(hand("sign_in DDDDDDDDDDDD kim/sign-in 1").await, "root");
    world.store.revoke_credential(&process, &id("SBBBBBBBBBBB"), Precondition::Any, NOW).await.unwrap();
    assert_eq!(hand("sign_in EEEEEEEEEEEE kim/sign-in 1").await, "root", "once is once");
}

async fn what_was_asked_for_keeps_who_stands_behind_it(world: World) {
    let by = actor("kim", "").armed_by(Armers::Known([identity("root")].into()));
    let change = ResourceChange { id: resource("Identity/new"), spec: Some(json!({})), expect: Precondition::Absent };
    world.store.change_resources(&by, &[change], None, NOW).await.unwrap();
    assert_eq!(shown(&world.store.armers_of_request(&identity("new")).await.unwrap()), "root");
    world.apply(&["a.yaml Identity/filed {}"]).await.unwrap();
    assert_eq!(shown(&world.store.armers_of_request(&identity("filed")).await.unwrap()), "");
    assert!(world.store.armers_of_request(&identity("nobody")).await.is_err());
    let asked = world.store.ask_approval(&by, new("AAAAAAAAAAAA", "bot"), NOW).await.unwrap();
    assert_eq!(shown(&world.store.armers_of_approval(&asked.id).await.unwrap()), "root");
}

async fn what_is_older_than_this_is_not_known(world: World) {
    let process = Actor::new(Who::Process, "first start");
    world.store.issue_credential(&process, credential("sign_in AAAAAAAAAAAA root/sign-in 1"), NOW).await.unwrap();
    // As a migration leaves it.
    let mut writing = Writing::begin(&world.store, NOW).await.unwrap();
    query("UPDATE credential SET armed_by = NULL").execute(writing.conn()).await.unwrap();
    writing.commit().await.unwrap();
    assert_eq!(world.sign_in("root", "AAAAAAAAAAAA", "SAAAAAAAAAAA").await, "unknown");
    assert_eq!(world.arm("root SAAAAAAAAAAA | sign_in BBBBBBBBBBBB root/sign-in 1").await, "unknown", "it does not launder itself");
    let by = actor("root", "").by(id("SAAAAAAAAAAA"));
    world.store.hand_over_credential(&by, credential("sign_in CCCCCCCCCCCC sam/sign-in 1"), NOW).await.unwrap();
    assert_eq!(world.armers("CCCCCCCCCCCC").await, "unknown");
}

fn new(key: &str, what: &str) -> NewApproval {
    NewApproval {
        id: ApprovalId::parse(key).unwrap(),
        act: json!({ "release": what }),
        summary: "release `bot`".into(),
        requester: identity("kim"),
        owner: OwnerName::parse("payments").unwrap(),
        needs: Needs::Second,
        expires: NOW + HOUR,
    }
}

async fn one_requester_does_not_take_all_the_places(world: World) {
    let by = actor("kim", "");
    let first = world.store.ask_approval(&by, new("AAAAAAAAAAAA", "bot"), NOW).await.unwrap();
    let again = world.store.ask_approval(&by, new("BBBBBBBBBBBB", "bot"), NOW).await.unwrap();
    assert_eq!(again, first, "the same act is asked for once");
    let other = actor("kim", "").armed_by(Armers::Known([identity("root")].into()));
    let behind = world.store.ask_approval(&other, new("CCCCCCCCCCCC", "bot"), NOW).await.unwrap();
    assert_eq!(behind.id.as_str(), "CCCCCCCCCCCC", "not by whom others stand behind");
    for at in 2..WAITING_OF_ONE_MAX {
        world.store.ask_approval(&by, new(&format!("D{at:011}"), &format!("bot-{at}")), NOW).await.unwrap();
    }
    let full = world.store.ask_approval(&by, new("EEEEEEEEEEEE", "more"), NOW).await.unwrap_err().to_string();
    assert_eq!(full, "50 acts of `kim` wait for a second person already");
    let known = world.store.ask_approval(&by, new("FFFFFFFFFFFF", "bot"), NOW).await.unwrap();
    assert_eq!(known, first, "what waits is no new one");
    let other = NewApproval { requester: identity("sam"), ..new("GGGGGGGGGGGG", "bot") };
    assert_eq!(world.store.ask_approval(&actor("sam", ""), other, NOW).await.unwrap().id.as_str(), "GGGGGGGGGGGG");
    let later = NewApproval { expires: NOW + HOUR * 3, ..new("HHHHHHHHHHHH", "bot") };
    assert_eq!(world.store.ask_approval(&by, later, NOW + HOUR).await.unwrap().id.as_str(), "HHHHHHHHHHHH", "what lapsed takes no place");
}

async fn an_approved_act_is_finished_once(world: World) {
    let by = actor("kim", "");
    for key in ["AAAAAAAAAAAA", "BBBBBBBBBBBB", "CCCCCCCCCCCC"] {
        let asked = world.store.ask_approval(&by, new(key, key), NOW).await.unwrap();
        world.store.finish_approval(&asked.id, None, NOW).await.unwrap();
        let waiting = world.store.approval(&asked.id).await.unwrap();
        assert_eq!((waiting.done, waiting.failed), (None, None), "what waits is not done");
    }
    let decide = async |key: &str| {
        let id = ApprovalId::parse(key).unwrap();
        world.store.decide_approval(&actor("sam", ""), &id, crate::Decision::Approve, NOW).await.unwrap();
        id
    };
    let (a, b) = (decide("AAAAAAAAAAAA").await, decide("BBBBBBBBBBBB").await);
    let unfinished = async || world.store.approvals_unfinished(10).await.unwrap().iter().map(|one| one.id).collect::<Vec<_>>();
    assert_eq!(unfinished().await, [a, b]);
    assert_eq!(world.store.finish_approval(&a, None, NOW).await.unwrap().done, Some(NOW));
    assert_eq!(world.store.finish_approval(&a, Some("late"), NOW).await.unwrap().failed, None, "once");
    assert_eq!(world.store.finish_approval(&b, Some("it is gone"), NOW).await.unwrap().failed.as_deref(), Some("it is gone"));
    assert_eq!(unfinished().await, []);
}

#[test]
fn an_actor_has_nothing_behind_it_unless_told() {
    assert_eq!(actor("kim", "").behind, Behind::Nothing);
    assert!(Armers::default().is_nobody() && !Armers::Unknown.is_nobody());
    assert_eq!(Armers::read(Armers::Unknown.text().as_deref(), "x").unwrap(), Armers::Unknown);
    assert!(Armers::read(Some("[\"NOT A NAME\"]"), "x").is_err() && Armers::read(Some("{}"), "x").is_err());
}
