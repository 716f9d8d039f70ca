-- Subjects of genuine proofs that stand for nobody are discovered too.
ALTER TABLE discovery DROP CONSTRAINT discovery_what_check;
ALTER TABLE discovery ADD CONSTRAINT discovery_what_check CHECK (what IN ('key', 'source', 'subject', 'certificate'));
ALTER TABLE discovery ADD COLUMN trust TEXT COLLATE "C";
ALTER TABLE discovery ADD COLUMN subject TEXT COLLATE "C";
ALTER TABLE discovery ADD CONSTRAINT discovery_vouched
    CHECK ((what IN ('subject', 'certificate')) = (trust IS NOT NULL AND subject IS NOT NULL));
