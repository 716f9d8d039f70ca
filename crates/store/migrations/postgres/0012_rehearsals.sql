-- Identities that were made for a rehearsal, and what they are taken to have done before.
CREATE TABLE rehearsal (
    identity TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    since_us BIGINT NOT NULL,
    until_us BIGINT NOT NULL,
    taught TEXT COLLATE "C" NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL
);
