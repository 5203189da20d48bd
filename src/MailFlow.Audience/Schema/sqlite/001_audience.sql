-- shard is fixed when the contact is created: StableHash.Shard(account, user_id). email_key is the form that suppressions are
-- kept under: lower-case in ASCII alone, as everywhere.
CREATE TABLE contact (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id INT NOT NULL,
  shard SMALLINT NOT NULL CHECK (shard BETWEEN 0 AND 63),
  user_id TEXT NOT NULL,
  email TEXT,
  email_key TEXT GENERATED ALWAYS AS (lower(email)) VIRTUAL,
  first_name TEXT,
  last_name TEXT,
  time_zone TEXT,
  attributes TEXT NOT NULL DEFAULT '{}',
  tags TEXT NOT NULL DEFAULT '[]',
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE (account_id, user_id)
);
CREATE INDEX contact_email ON contact (account_id, email_key);

-- Append-only: what a contact agreed to and withdrew, with its proof. The present state is the last row of a purpose.
CREATE TABLE consent (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id INT NOT NULL,
  contact_id BIGINT NOT NULL REFERENCES contact (id) ON DELETE CASCADE,
  purpose TEXT NOT NULL,
  granted INTEGER NOT NULL,
  source TEXT NOT NULL,
  at BIGINT NOT NULL,
  evidence TEXT
);
CREATE INDEX consent_state ON consent (contact_id, purpose, id);

-- Addresses that must not be mailed. severity orders the reasons: a stronger one replaces a weaker.
CREATE TABLE suppression (
  account_id INT NOT NULL,
  email TEXT NOT NULL,
  scope TEXT NOT NULL CHECK (scope IN ('all', 'marketing')),
  reason TEXT NOT NULL,
  severity INT NOT NULL,
  source TEXT NOT NULL,
  at BIGINT NOT NULL,
  detail TEXT,
  PRIMARY KEY (account_id, email, scope)
);

CREATE TABLE segment (
  account_id INT NOT NULL,
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  rule TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, key)
);
