-- A dead letter can be named, and put back into the inbox of its shard.
ALTER TABLE dead_letter ADD COLUMN id BLOB;
UPDATE dead_letter SET id = randomblob(16);
ALTER TABLE dead_letter ADD COLUMN shard SMALLINT;
CREATE UNIQUE INDEX dead_letter_id ON dead_letter (account_id, id);

-- Which run of the node: a death is counted once, against what that run had in hand.
ALTER TABLE engine_run ADD COLUMN run BLOB;
