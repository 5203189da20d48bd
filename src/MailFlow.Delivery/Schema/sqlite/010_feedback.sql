-- What providers report, as it came in: verified, stored, answered, and worked off after. due_at: when it is read next; a call that
-- cannot be read has an error instead. A call that was worked off is gone.
CREATE TABLE webhook_call (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at BIGINT NOT NULL,
  due_at BIGINT,
  account_id INT NOT NULL,
  attempt INT NOT NULL DEFAULT 0,
  connection TEXT NOT NULL,
  type TEXT NOT NULL,
  body BLOB NOT NULL,
  error TEXT,
  CHECK ((due_at IS NULL) = (error IS NOT NULL))
);
CREATE INDEX webhook_call_due ON webhook_call (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_call_laid_aside ON webhook_call (account_id, id) WHERE due_at IS NULL;

-- What became of a mail, append-only, each report once: key is a hash of account, connection and the provider's own key. kind, bounce:
-- see FeedbackKind, BounceKind. human: of opens and clicks, once judged; settle_at: when that is. network: the address without its last part.
CREATE TABLE message_event (
  key BLOB PRIMARY KEY,
  message_id BLOB NOT NULL,
  at BIGINT NOT NULL,
  received_at BIGINT NOT NULL,
  settle_at BIGINT,
  account_id INT NOT NULL,
  kind SMALLINT NOT NULL,
  bounce SMALLINT,
  is_machine SMALLINT,
  human SMALLINT,
  verdict TEXT,
  reason TEXT,
  url TEXT,
  user_agent TEXT,
  network TEXT
);
CREATE INDEX message_event_message ON message_event (message_id, at);
CREATE INDEX message_event_settle ON message_event (settle_at) WHERE settle_at IS NOT NULL;

-- The same in short, a row a message: the first time of each kind, and how often.
CREATE TABLE message_feedback (
  message_id BLOB PRIMARY KEY,
  delivered_at BIGINT,
  bounced_at BIGINT,
  dropped_at BIGINT,
  complained_at BIGINT,
  unsubscribed_at BIGINT,
  opened_at BIGINT,
  clicked_at BIGINT,
  human_opened_at BIGINT,
  human_clicked_at BIGINT,
  account_id INT NOT NULL,
  opens INT NOT NULL DEFAULT 0,
  clicks INT NOT NULL DEFAULT 0,
  human_opens INT NOT NULL DEFAULT 0,
  human_clicks INT NOT NULL DEFAULT 0,
  bounce SMALLINT,
  -- Another name that a provider gave to a mail with this key: it was taken twice.
  second_provider_id TEXT
);
CREATE INDEX message_feedback_doubled ON message_feedback (account_id) WHERE second_provider_id IS NOT NULL;

-- The days (UTC, days since 1970) on which a mailbox could not take mail.
CREATE TABLE soft_bounce (
  account_id INT NOT NULL,
  email TEXT NOT NULL,
  day INT NOT NULL,
  PRIMARY KEY (account_id, email, day)
);

-- What a connection reported in a day (UTC).
CREATE TABLE webhook_day (
  account_id INT NOT NULL,
  connection TEXT NOT NULL,
  day INT NOT NULL,
  calls BIGINT NOT NULL DEFAULT 0,
  reports BIGINT NOT NULL DEFAULT 0,
  repeated BIGINT NOT NULL DEFAULT 0,
  unmatched BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (account_id, connection, day)
);

CREATE INDEX message_provider_id ON message (provider_id) WHERE provider_id IS NOT NULL;
CREATE INDEX message_attempt_account ON message_attempt (account_id, at);
