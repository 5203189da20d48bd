-- A domain that failed its check and was deleted: of it nothing is kept but that, so that mail is not published from it as if nobody knew.
ALTER TABLE sending_domain ADD COLUMN forgotten BOOLEAN NOT NULL DEFAULT false;
