//! What can be asked for.

macro_rules! keys {
    ($($(#[$doc:meta])* $variant:ident = $id:literal,)*) => {
        /// What can be asked for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Key { $($(#[$doc])* $variant,)* }

        impl Key {
            /// Every operation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its `operationId` in the OpenAPI document.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }
        }
    };
}

keys! {
    /// Swap a sign-in for a session.
    SignIn = "signIn",
    /// Give this session more time.
    RenewSession = "renewSession",
    /// End this session.
    SignOut = "signOut",
    /// Who the caller is.
    Whoami = "whoami",
    /// This API's own document.
    OpenApi = "openapi",
    /// List credentials.
    ListCredentials = "listCredentials",
    /// Issue one.
    IssueCredential = "issueCredential",
    /// End one.
    RevokeCredential = "revokeCredential",
    /// Issue the next one beside it.
    RotateCredential = "rotateCredential",
    /// List upstream secrets, without the secrets.
    ListSecrets = "listSecrets",
    /// Put one in place.
    PutSecret = "putSecret",
    /// Replace one without a failed request.
    RotateSecret = "rotateSecret",
    /// List the keys that tokens and assertions are signed with.
    ListSigningKeys = "listSigningKeys",
    /// End one, at once.
    RevokeSigningKey = "revokeSigningKey",
    /// Explain a recorded request.
    ExplainRecorded = "explainRecorded",
    /// Explain a described request.
    ExplainDescribed = "explainDescribed",
    /// Read the event log.
    ListEvents = "listEvents",
    /// Ask the event log in SQL.
    AskLog = "askLog",
    /// Take what tells of persons out of events.
    EraseEvents = "eraseEvents",
    /// How far an erasure is.
    ReadErasure = "readErasure",
    /// Read the timeline of a subject.
    Timeline = "timeline",
    /// Read the feed of changes.
    ListChanges = "listChanges",
    /// Read what use adds up to.
    ListUsage = "listUsage",
    /// List resources of a kind.
    ListResources = "listResources",
    /// Read one resource.
    ReadResource = "readResource",
    /// Make or change one.
    PutResource = "putResource",
    /// Remove one.
    RemoveResource = "removeResource",
    /// What documents would change.
    Plan = "plan",
    /// Make documents true.
    Apply = "apply",
    /// Everything declared, as documents.
    Export = "export",
    /// Make documents of another system's list.
    Import = "import",
    /// Put everything declared back to a moment.
    Rollback = "rollback",
    /// Approve an identity that was asked for.
    ApproveIdentity = "approveIdentity",
    /// Say no to an identity that was asked for.
    RejectIdentity = "rejectIdentity",
    /// Stop an identity for a while.
    SuspendIdentity = "suspendIdentity",
    /// Let a suspended identity go on.
    ResumeIdentity = "resumeIdentity",
    /// Contain an identity.
    QuarantineIdentity = "quarantineIdentity",
    /// End an identity for good.
    RetireIdentity = "retireIdentity",
    /// Give an identity to another owner.
    TransferIdentity = "transferIdentity",
    /// List discovered callers.
    ListDiscoveries = "listDiscoveries",
    /// Say whose a discovered caller is.
    ClaimDiscovery = "claimDiscovery",
    /// Say that a discovered caller is nobody's.
    RejectDiscovery = "rejectDiscovery",
    /// An owner is gone.
    DepartOwner = "departOwner",
    /// An owner is back.
    ReturnOwner = "returnOwner",
    /// An owner answers for what it owns.
    AttestOwner = "attestOwner",
    /// List what is contained.
    ListContainments = "listContainments",
    /// Stop something everywhere, now.
    Contain = "contain",
    /// Let it go on.
    Release = "release",
    /// List what is announced.
    ListAnnouncements = "listAnnouncements",
    /// Announce a change.
    Announce = "announce",
    /// List identities that were made for rehearsals.
    ListRehearsals = "listRehearsals",
    /// Make an identity one of a rehearsal.
    BeginRehearsal = "beginRehearsal",
    /// End that.
    EndRehearsal = "endRehearsal",
    /// List acts that wait, or waited, for a second person.
    ListApprovals = "listApprovals",
    /// Read one.
    ReadApproval = "readApproval",
    /// Decide that it is done.
    Approve = "approve",
    /// Decide that it is not.
    Deny = "deny",
    /// Who can call what.
    ListAccess = "listAccess",
    /// What somebody should mend.
    ListFindings = "listFindings",
    /// Which operations are beside the documents of their APIs.
    ListOperations = "listOperations",
    /// Which upstreams answer whoever reaches them.
    ListProbes = "listProbes",
    /// Call upstreams with nothing to show.
    Probe = "probe",
    /// List tasks.
    ListTasks = "listTasks",
    /// Start a task of an identity.
    StartTask = "startTask",
    /// Read one of them.
    ReadTask = "readTask",
    /// Say that a task is under way still.
    HeartbeatTask = "heartbeatTask",
    /// Say that a task came to its end.
    CompleteTask = "completeTask",
    /// Say that a task did not.
    FailTask = "failTask",
}
