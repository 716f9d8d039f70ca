-- Identities that were made for a rehearsal, and what they are taken to have done before.
CREATE TABLE rehearsal (
    identity TEXT NOT NULL PRIMARY KEY,
    since_us BIGINT NOT NULL,
    until_us BIGINT NOT NULL,
    taught TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    revision BIGINT NOT NULL
);
