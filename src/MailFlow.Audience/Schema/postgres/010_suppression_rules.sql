-- A suppression may be for transactional mail alone, for a whole domain ('@example.org'), for an erased person's address ('#' and its
-- keyed hash), and until an instant.
ALTER TABLE suppression DROP CONSTRAINT suppression_scope_check;
ALTER TABLE suppression ADD CONSTRAINT suppression_scope_check CHECK (scope IN ('all', 'marketing', 'transactional'));
ALTER TABLE suppression ADD COLUMN expires_at BIGINT;
CREATE INDEX suppression_expiry ON suppression (expires_at) WHERE expires_at IS NOT NULL;

-- What addresses are hashed with, so that whoever reads the table cannot try addresses out without it. The installation's own, of no account (0).
CREATE TABLE address_key (
  account_id INT NOT NULL DEFAULT 0,
  id INT PRIMARY KEY CHECK (id = 1),
  secret bytea NOT NULL
);
INSERT INTO address_key (id, secret) VALUES (1, decode(replace(gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));
