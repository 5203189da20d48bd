-- Commands that end (7) or move (9) one instance: one for many counts what it has posted, whatever else waits.
CREATE INDEX inbox_commands ON inbox (account_id) WHERE kind IN (7, 9);
