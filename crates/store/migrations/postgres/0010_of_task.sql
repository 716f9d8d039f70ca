-- The task that a credential was made for: it is good for that alone, and ends with it.
ALTER TABLE credential ADD COLUMN task TEXT COLLATE "C";
