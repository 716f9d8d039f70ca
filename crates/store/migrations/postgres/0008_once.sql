-- What counts once over all gates on this store: by a hash that says nothing of what it is of, until it would not count any more.
CREATE TABLE once (
    mark TEXT NOT NULL PRIMARY KEY,
    ends_us BIGINT NOT NULL
);
CREATE INDEX once_by_end ON once (ends_us);
