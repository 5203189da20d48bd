-- The domain that a mail came from: what is reported of it counts for that one, whatever the account sends from by then. NULL: handed over before it was kept.
ALTER TABLE message ADD COLUMN from_domain TEXT;
