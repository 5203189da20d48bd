-- People who sign in to the console. email_key is the address as addresses are compared: one sign-in page serves all accounts, so it is unique among all.
-- A session lives as long as its stamp is the user's: a change of role or password, or disabling, gives the user a new one.
CREATE TABLE console_user (
  id UUID PRIMARY KEY,
  account_id INT NOT NULL,
  email TEXT NOT NULL,
  email_key TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'publisher', 'admin')),
  password_hash TEXT NOT NULL,
  stamp UUID NOT NULL,
  disabled BOOLEAN NOT NULL,
  created_at BIGINT NOT NULL,
  last_sign_in_at BIGINT
);
CREATE INDEX console_user_account ON console_user (account_id, email_key);

CREATE TABLE user_session (
  id UUID PRIMARY KEY,
  account_id INT NOT NULL,
  user_id UUID NOT NULL REFERENCES console_user (id) ON DELETE CASCADE,
  stamp UUID NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX user_session_user ON user_session (user_id);
CREATE INDEX user_session_age ON user_session (expires_at);

-- Tries to sign in, counted over a window. They belong to no account (0): whoever tries has shown no account yet. The key is a hash of address or e-mail.
CREATE TABLE sign_in_attempt (
  account_id INT NOT NULL DEFAULT 0,
  key BYTEA PRIMARY KEY,
  attempts INT NOT NULL,
  started_at BIGINT NOT NULL
);
CREATE INDEX sign_in_attempt_age ON sign_in_attempt (started_at);

-- What session cookies are sealed with: in the database, so that a restart and every node can open them. The server's own, of no account (0).
CREATE TABLE data_protection_key (
  account_id INT NOT NULL DEFAULT 0,
  name TEXT PRIMARY KEY,
  xml TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

-- journeys:publish was part of journeys:write before.
UPDATE api_key SET scopes = scopes || '["journeys:publish"]'::jsonb WHERE scopes @> '["journeys:write"]'::jsonb;
