-- How many mails a second leave the domain at most; NULL: any number.
ALTER TABLE sending_domain ADD COLUMN per_second DOUBLE PRECISION CHECK (per_second > 0);
