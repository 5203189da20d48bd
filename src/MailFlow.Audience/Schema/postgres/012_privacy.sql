-- What persons asked for: their data, or its erasure. subject is a keyed hash of the contact's user id, which is all that is left when it is done;
-- user_id and contact_id are there while it is under way.
CREATE TABLE privacy_request (
  id uuid PRIMARY KEY,
  account_id INT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('export', 'erasure')),
  subject TEXT NOT NULL,
  user_id TEXT,
  contact_id BIGINT,
  received_at BIGINT NOT NULL,
  due_at BIGINT NOT NULL,
  begun_at BIGINT,
  done_at BIGINT
);
CREATE INDEX privacy_request_account ON privacy_request (account_id, id);
CREATE INDEX privacy_request_subject ON privacy_request (account_id, subject);
CREATE INDEX privacy_request_open ON privacy_request (id) WHERE done_at IS NULL;
