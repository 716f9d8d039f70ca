-- The shared secret of a sender of webhooks is needed to verify with: it is kept sealed under the master key, beside its keyed hash.
ALTER TABLE credential ADD COLUMN sealed BLOB;
