-- Since when nothing is known of the person; the row stays for what is counted, and for nothing that is said of it later.
ALTER TABLE contact ADD COLUMN erased_at BIGINT;
UPDATE contact SET erased_at = updated_at WHERE user_id = 'erased-' || id;
