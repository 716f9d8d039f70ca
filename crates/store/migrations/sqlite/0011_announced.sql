-- What is announced, so that what is new by it is not unusual.
CREATE TABLE announcement (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    since_us BIGINT NOT NULL,
    until_us BIGINT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY (kind, name)
);
