CREATE TABLE account (
  id INT PRIMARY KEY,
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

-- Bumped by whatever the nodes keep in memory and must read again: publish, pause, resume, segments.
CREATE TABLE engine_epoch (
  id INT PRIMARY KEY CHECK (id = 1),
  epoch BIGINT NOT NULL
);
INSERT INTO engine_epoch (id, epoch) VALUES (1, 1);

CREATE TABLE journey (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id INT NOT NULL,
  definition_id TEXT NOT NULL,
  name TEXT NOT NULL,
  published_version_id BIGINT,
  paused INTEGER NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE (account_id, definition_id)
);

-- The definition is TEXT: jsonb would reorder its members and drop duplicates.
CREATE TABLE definition_version (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id INT NOT NULL,
  journey_id INT NOT NULL REFERENCES journey (id),
  version INT NOT NULL CHECK (version > 0),
  definition TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  published_at BIGINT,
  UNIQUE (journey_id, version)
);

-- One contact's trip through one journey version. status: 0 running, 1 completed, 2 exited, 3 faulted, 4 cancelled.
-- due_at: the next instant at which it has something to do; parked_at: the same, kept while its journey is paused.
CREATE TABLE instance (
  id BLOB PRIMARY KEY,
  contact_id BIGINT NOT NULL,
  version_id BIGINT NOT NULL,
  due_at BIGINT,
  parked_at BIGINT,
  updated_at BIGINT NOT NULL,
  account_id INT NOT NULL,
  journey_id INT NOT NULL,
  ver INT NOT NULL,
  shard SMALLINT NOT NULL,
  status SMALLINT NOT NULL CHECK (status BETWEEN 0 AND 4),
  format SMALLINT NOT NULL,
  state BLOB NOT NULL,
  CHECK (status = 0 OR status = 3 OR (due_at IS NULL AND parked_at IS NULL))
);
CREATE INDEX instance_due ON instance (shard, account_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX instance_contact ON instance (contact_id) WHERE status = 0;
CREATE INDEX instance_parked ON instance (shard, journey_id) WHERE parked_at IS NOT NULL;

-- What waits for the worker of a shard. kind: see InboxKind.
CREATE TABLE inbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id INT NOT NULL,
  shard SMALLINT NOT NULL,
  kind SMALLINT NOT NULL,
  key BLOB NOT NULL,
  user_id TEXT,
  contact_id BIGINT,
  accepted_at BIGINT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX inbox_shard ON inbox (shard, account_id, id);

-- The keys of all events and commands of the last 30 days, whatever road they came by.
CREATE TABLE event_key (
  key BLOB PRIMARY KEY,
  account_id INT NOT NULL,
  accepted_at BIGINT NOT NULL
);
CREATE INDEX event_key_age ON event_key (accepted_at);

CREATE TABLE event (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id INT NOT NULL,
  contact_id BIGINT NOT NULL,
  event_type TEXT NOT NULL,
  event_id TEXT NOT NULL,
  occurred_at BIGINT NOT NULL,
  accepted_at BIGINT NOT NULL,
  payload TEXT NOT NULL
);
CREATE INDEX event_age ON event (accepted_at);
CREATE INDEX event_contact ON event (contact_id, event_type, occurred_at);

-- When a contact last entered a journey: outlives the instances and spans the versions.
CREATE TABLE entry (
  journey_id INT NOT NULL,
  contact_id BIGINT NOT NULL,
  account_id INT NOT NULL,
  entries INT NOT NULL,
  entered_at BIGINT NOT NULL,
  PRIMARY KEY (journey_id, contact_id)
);

-- What happened, append-only: one row per instance per batch; instance_id is NULL where a contact was not let in.
CREATE TABLE history (
  seq INTEGER PRIMARY KEY,
  at BIGINT NOT NULL,
  contact_id BIGINT NOT NULL,
  version_id BIGINT NOT NULL,
  instance_id BLOB,
  account_id INT NOT NULL,
  steps TEXT NOT NULL
);
CREATE INDEX history_contact ON history (contact_id, at, seq);

-- Counters, one row a shard, so that no two workers write the same row; summed on read. node: -1 for the journey.
CREATE TABLE journey_count (
  version_id BIGINT NOT NULL,
  node INT NOT NULL,
  kind SMALLINT NOT NULL,
  shard SMALLINT NOT NULL,
  account_id INT NOT NULL,
  journey_id INT NOT NULL,
  n BIGINT NOT NULL,
  PRIMARY KEY (version_id, node, kind, shard)
);
CREATE INDEX journey_count_journey ON journey_count (journey_id);

-- Work to be done after the commit. The key is the step's.
CREATE TABLE job (
  key BLOB PRIMARY KEY,
  account_id INT NOT NULL,
  shard SMALLINT NOT NULL,
  contact_id BIGINT NOT NULL,
  user_id TEXT NOT NULL,
  instance_id BLOB NOT NULL,
  node INT NOT NULL,
  visit INT NOT NULL,
  activity_type TEXT NOT NULL,
  input TEXT NOT NULL,
  attempt INT NOT NULL,
  due_at BIGINT NOT NULL,
  last_error TEXT
);
CREATE INDEX job_due ON job (due_at);
CREATE INDEX job_instance ON job (instance_id);

-- What made every batch fail, laid aside with the error.
CREATE TABLE dead_letter (
  account_id INT NOT NULL,
  kind SMALLINT NOT NULL,
  key BLOB NOT NULL,
  user_id TEXT,
  body TEXT NOT NULL,
  error TEXT NOT NULL,
  at BIGINT NOT NULL
);
