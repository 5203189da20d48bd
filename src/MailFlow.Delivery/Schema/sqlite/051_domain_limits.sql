-- How many mails a second leave the domain at most; NULL: any number.
ALTER TABLE sending_domain ADD COLUMN per_second REAL CHECK (per_second > 0);
