-- Where an account has facts told to. key: its id in the API. secret and previous_secret are sealed; the latter signs too until previous_until.
-- tokens, tokens_at: the bucket of per_second. failing_since: since when nothing has been taken.
CREATE TABLE webhook_endpoint (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key BLOB NOT NULL UNIQUE,
  account_id INT NOT NULL,
  name TEXT NOT NULL,
  url TEXT NOT NULL,
  types TEXT NOT NULL,
  enabled INTEGER NOT NULL,
  concurrency INT NOT NULL CHECK (concurrency BETWEEN 1 AND 20),
  per_second REAL CHECK (per_second > 0),
  secret TEXT NOT NULL,
  previous_secret TEXT,
  previous_until BIGINT,
  tokens REAL NOT NULL DEFAULT 0,
  tokens_at BIGINT NOT NULL DEFAULT 0,
  failing_since BIGINT,
  disabled_at BIGINT,
  disabled_reason TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX webhook_endpoint_account ON webhook_endpoint (account_id, id);

-- Which types an endpoint takes; '*': all.
CREATE TABLE webhook_subscription (
  endpoint_id INT NOT NULL REFERENCES webhook_endpoint (id) ON DELETE CASCADE,
  type TEXT NOT NULL,
  PRIMARY KEY (endpoint_id, type)
);

-- One fact on its way to one endpoint. state: 0 pending, 1 delivered, 2 failed. attempt: how many there have been; first_attempt: how many there
-- had been when it was last put on its way. due_at: when it is tried next; lease_until: a node is at it. It goes with its fact.
CREATE TABLE webhook_delivery (
  endpoint_id INT NOT NULL,
  fact_id BLOB NOT NULL REFERENCES fact (id) ON DELETE CASCADE,
  account_id INT NOT NULL,
  state SMALLINT NOT NULL CHECK (state BETWEEN 0 AND 2),
  attempt INT NOT NULL DEFAULT 0,
  first_attempt INT NOT NULL DEFAULT 0,
  due_at BIGINT,
  lease_until BIGINT,
  PRIMARY KEY (endpoint_id, fact_id),
  CHECK ((state = 0) = (due_at IS NOT NULL))
);
CREATE INDEX webhook_delivery_fact ON webhook_delivery (fact_id);
CREATE INDEX webhook_delivery_due ON webhook_delivery (endpoint_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_delivery_leased ON webhook_delivery (endpoint_id) WHERE lease_until IS NOT NULL;
CREATE INDEX webhook_delivery_failed ON webhook_delivery (endpoint_id, fact_id) WHERE state <> 1;

-- The delivery log, append-only. status: the answer's, null where there was none; answer: the first of what it said, or what went wrong.
CREATE TABLE webhook_attempt (
  endpoint_id INT NOT NULL,
  fact_id BLOB NOT NULL,
  attempt INT NOT NULL,
  at BIGINT NOT NULL,
  status INT,
  latency_ms INT NOT NULL,
  answer TEXT NOT NULL,
  PRIMARY KEY (fact_id, endpoint_id, attempt),
  FOREIGN KEY (endpoint_id, fact_id) REFERENCES webhook_delivery (endpoint_id, fact_id) ON DELETE CASCADE
);
