-- An account's own ways out: one row a provider account. id stands in the address of its webhook; secrets in settings
-- are sealed; revision changes with the settings, so that every node opens it anew.
CREATE TABLE provider_connection (
  account_id INT NOT NULL,
  key TEXT NOT NULL,
  id BLOB NOT NULL UNIQUE,
  type TEXT NOT NULL,
  name TEXT NOT NULL,
  settings TEXT NOT NULL,
  enabled INTEGER NOT NULL,
  marketing_weight INT NOT NULL CHECK (marketing_weight BETWEEN 0 AND 100),
  transactional_weight INT NOT NULL CHECK (transactional_weight BETWEEN 0 AND 100),
  per_second REAL CHECK (per_second > 0),
  per_day INT CHECK (per_day > 0),
  region TEXT,
  revision BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, key)
);

-- What is stopped until an operator has mended it. subject: 'connection:KEY' (any stream) or 'domain:NAME'.
CREATE TABLE sending_stop (
  account_id INT NOT NULL,
  subject TEXT NOT NULL,
  stream SMALLINT NOT NULL CHECK (stream IN (0, 1)),
  reason TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (account_id, subject, stream)
);

-- Token buckets; account 0 owns those of the server's own provider. A take is committed with the hand-over it is for.
CREATE TABLE rate_bucket (
  account_id INT NOT NULL,
  key TEXT NOT NULL,
  tokens REAL NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (account_id, key)
);

-- What left in a day (UTC, days since 1970) by a connection or from a domain, and what came of it.
CREATE TABLE sending_day (
  account_id INT NOT NULL,
  subject TEXT NOT NULL,
  day INT NOT NULL,
  handed_over INT NOT NULL DEFAULT 0,
  delivered INT NOT NULL DEFAULT 0,
  hard_bounces INT NOT NULL DEFAULT 0,
  complaints INT NOT NULL DEFAULT 0,
  PRIMARY KEY (account_id, subject, day)
);

-- A sending domain that is being warmed up: step of its schedule, as of day.
CREATE TABLE sending_warm_up (
  account_id INT NOT NULL,
  domain TEXT NOT NULL,
  first_volume INT NOT NULL CHECK (first_volume > 0),
  target_volume INT NOT NULL CHECK (target_volume >= first_volume),
  days INT NOT NULL CHECK (days BETWEEN 2 AND 90),
  step INT NOT NULL,
  day INT NOT NULL,
  PRIMARY KEY (account_id, domain)
);

-- How many mails a second a mailbox provider (or a domain, or '*', each other domain) is given at most.
CREATE TABLE mailbox_limit (
  account_id INT NOT NULL,
  mailbox TEXT NOT NULL,
  per_second REAL NOT NULL CHECK (per_second > 0),
  PRIMARY KEY (account_id, mailbox)
);

-- Transactional mail is claimed first.
CREATE INDEX message_due_by_stream ON message (account_id, stream, due_at) WHERE due_at IS NOT NULL;
DROP INDEX message_due;
