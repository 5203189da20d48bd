-- A suppression may be for transactional mail alone, for a whole domain ('@example.org'), for an erased person's address ('#' and its
-- keyed hash), and until an instant. A CHECK cannot be altered here: the table is made anew.
CREATE TABLE suppression_rules (
  account_id INT NOT NULL,
  email TEXT NOT NULL,
  scope TEXT NOT NULL CHECK (scope IN ('all', 'marketing', 'transactional')),
  reason TEXT NOT NULL,
  severity INT NOT NULL,
  source TEXT NOT NULL,
  at BIGINT NOT NULL,
  detail TEXT,
  expires_at BIGINT,
  PRIMARY KEY (account_id, email, scope)
);
INSERT INTO suppression_rules (account_id, email, scope, reason, severity, source, at, detail)
SELECT account_id, email, scope, reason, severity, source, at, detail FROM suppression;
DROP TABLE suppression;
ALTER TABLE suppression_rules RENAME TO suppression;
CREATE INDEX suppression_expiry ON suppression (expires_at) WHERE expires_at IS NOT NULL;

-- What addresses are hashed with, so that whoever reads the table cannot try addresses out without it. The installation's own, of no account (0).
CREATE TABLE address_key (
  account_id INT NOT NULL DEFAULT 0,
  id INT PRIMARY KEY CHECK (id = 1),
  secret BLOB NOT NULL
);
INSERT INTO address_key (id, secret) VALUES (1, randomblob(48));
