-- Only a hash of the secret is kept; the prefix is the part of a key that may be shown.
CREATE TABLE api_key (
  id BLOB PRIMARY KEY,
  account_id INT NOT NULL,
  name TEXT NOT NULL,
  prefix TEXT NOT NULL,
  hash BLOB NOT NULL UNIQUE,
  scopes TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  last_used_at BIGINT,
  revoked_at BIGINT
);
CREATE INDEX api_key_account ON api_key (account_id, id);

-- What was answered to a POST with an Idempotency-Key. status is NULL while the request runs.
CREATE TABLE idempotency_key (
  account_id INT NOT NULL,
  key TEXT NOT NULL,
  request_hash BLOB NOT NULL,
  status INT,
  content_type TEXT,
  body BLOB,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, key)
);
CREATE INDEX idempotency_key_age ON idempotency_key (created_at);

-- Which samples an account has been given, so that one that was deleted does not come back.
CREATE TABLE sample (
  account_id INT NOT NULL,
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, name)
);
