-- The ledger: one row a planned e-mail. The id is the send key of the step that planned it, so that no second send of
-- the same step can be planned. state: see MessageState. due_at: when the sender must look at it next; parked_at: the
-- same, kept while its journey is paused. node_epoch and lease_until: who hands it over, and until when it may.
CREATE TABLE message (
  id uuid PRIMARY KEY,
  contact_id BIGINT NOT NULL,
  due_at BIGINT,
  parked_at BIGINT,
  lease_until BIGINT,
  node_epoch BIGINT,
  queued_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  expires_at BIGINT,
  retry_until BIGINT,
  version_id BIGINT,
  instance_id uuid,
  account_id INT NOT NULL,
  journey_id INT,
  template_version INT NOT NULL,
  attempt INT NOT NULL DEFAULT 0,
  state SMALLINT NOT NULL CHECK (state BETWEEN 0 AND 9),
  stream SMALLINT NOT NULL CHECK (stream IN (0, 1)),
  user_id TEXT NOT NULL,
  activity_id TEXT,
  template TEXT NOT NULL,
  subject TEXT,
  purpose TEXT,
  to_address TEXT,
  provider TEXT,
  provider_id TEXT,
  reason TEXT,
  -- Its instance ended while it was under way: it is not tried again.
  cancel_reason TEXT,
  snapshot TEXT NOT NULL,
  -- Queued, deferred and unknown are looked at again, at a named instant; nothing else is.
  CHECK ((state IN (0, 4, 5)) = (due_at IS NOT NULL OR parked_at IS NOT NULL)),
  CHECK (due_at IS NULL OR parked_at IS NULL),
  CHECK ((state = 1) = (lease_until IS NOT NULL))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX message_due ON message (account_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX message_leased ON message (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX message_parked ON message (journey_id) WHERE parked_at IS NOT NULL;
CREATE INDEX message_under_way ON message (instance_id) WHERE state IN (1, 5);
CREATE INDEX message_cancellable ON message (instance_id) WHERE state IN (0, 4);
CREATE INDEX message_account ON message (account_id, queued_at, id);
CREATE INDEX message_contact ON message (contact_id, queued_at, id);
CREATE INDEX message_journey ON message (journey_id, queued_at, id);

-- Every answer to a hand-over but plain acceptance, append-only: what went wrong, and when.
CREATE TABLE message_attempt (
  message_id uuid NOT NULL,
  at BIGINT NOT NULL,
  account_id INT NOT NULL,
  attempt INT NOT NULL,
  state SMALLINT NOT NULL,
  answer TEXT NOT NULL
);
CREATE INDEX message_attempt_message ON message_attempt (message_id);

-- One row each time a node starts: a message handed over under an ended epoch has nobody left to say what became of it.
CREATE TABLE node_epoch (
  epoch BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  node TEXT NOT NULL,
  started_at BIGINT NOT NULL,
  ended_at BIGINT
);
CREATE INDEX node_epoch_live ON node_epoch (node) WHERE ended_at IS NULL;

-- Mail the sandbox provider captured. The primary key is the message's: handing one over again captures nothing.
CREATE TABLE sandbox_email (
  id uuid PRIMARY KEY,
  seq BIGINT GENERATED ALWAYS AS IDENTITY,
  at BIGINT NOT NULL,
  account_id INT NOT NULL,
  from_mailbox TEXT NOT NULL,
  to_address TEXT NOT NULL,
  subject TEXT NOT NULL,
  html TEXT NOT NULL,
  text TEXT NOT NULL,
  headers TEXT NOT NULL,
  template TEXT NOT NULL,
  user_id TEXT NOT NULL,
  journey TEXT
);
CREATE INDEX sandbox_email_account ON sandbox_email (account_id, seq);
CREATE INDEX sandbox_email_to ON sandbox_email (account_id, to_address, seq);

-- Who an account's mail comes from.
CREATE TABLE sender (
  account_id INT PRIMARY KEY,
  name TEXT NOT NULL,
  email TEXT NOT NULL,
  reply_to TEXT,
  postal_address TEXT,
  updated_at BIGINT NOT NULL
);

-- The installation's keys for signed links; the newest signs, all verify.
CREATE TABLE signing_key (
  id INT PRIMARY KEY CHECK (id BETWEEN 1 AND 255),
  secret bytea NOT NULL,
  created_at BIGINT NOT NULL
);
