-- What is called of an API and is not as its document says: operations that it does not know, requests that are otherwise; and calls of
-- its operations by nobody on record, which the sums of use do not count.
CREATE TABLE stray (
    api TEXT NOT NULL,
    kind TEXT NOT NULL,
    operation TEXT NOT NULL,
    place TEXT NOT NULL,
    first_us BIGINT NOT NULL,
    last_us BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    answered BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    callers TEXT NOT NULL,
    sources TEXT NOT NULL,
    PRIMARY KEY (api, kind, operation, place)
);
