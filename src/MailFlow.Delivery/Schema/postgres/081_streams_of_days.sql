-- How many of those handed over were transactional; the others were marketing mail. A connection's row is kept whether or not its days are limited.
ALTER TABLE sending_day ADD COLUMN transactional INT NOT NULL DEFAULT 0;
