-- Who had a hand in arming whom: a list of identities as JSON. NULL: from before it was kept, so nobody knows.
ALTER TABLE credential ADD COLUMN armed_by TEXT;
ALTER TABLE approval ADD COLUMN armed_by TEXT;
-- What was asked for before counts as asked for by nobody else.
ALTER TABLE status ADD COLUMN armed_by TEXT DEFAULT '[]';
CREATE INDEX credential_session ON credential (identity) WHERE kind = 'session';

-- What became of an act after it was approved. What was approved before this was kept counts as done.
ALTER TABLE approval ADD COLUMN done_us INTEGER;
ALTER TABLE approval ADD COLUMN failed TEXT;
UPDATE approval SET done_us = decided_us WHERE state = 'approved';
CREATE INDEX approval_of_requester ON approval (requester) WHERE state = 'waiting';
CREATE INDEX approval_unfinished ON approval (created_seq) WHERE state = 'approved' AND done_us IS NULL AND failed IS NULL;
