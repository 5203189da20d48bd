-- What a contact did with its mail, machines left out; moves forward only.
ALTER TABLE contact ADD COLUMN last_opened_at BIGINT;
ALTER TABLE contact ADD COLUMN last_clicked_at BIGINT;
