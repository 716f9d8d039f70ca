-- What stops or releases somebody is found at once, however much was imported before it.
CREATE INDEX change_of_standing ON change (seq) WHERE act IN ('revoke', 'spend', 'state', 'contain', 'release');
