-- What a provider signed in place of a call's body, and the body that it came with first: it is good for no other. Both are hashes. Kept for
-- longer than such a signature is taken.
CREATE TABLE webhook_token (
  account_id INT NOT NULL,
  connection TEXT NOT NULL,
  token uuid NOT NULL,
  body uuid NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (account_id, connection, token)
);
CREATE INDEX webhook_token_at ON webhook_token (at);
