-- A node at which a whole group of contacts failed alike: they are held there and tried again at retry_at. attempts: how often it failed.
CREATE TABLE parked_node (
  version_id BIGINT NOT NULL,
  node INT NOT NULL,
  account_id INT NOT NULL,
  journey_id INT NOT NULL,
  reason TEXT NOT NULL,
  since BIGINT NOT NULL,
  retry_at BIGINT NOT NULL,
  attempts INT NOT NULL,
  PRIMARY KEY (version_id, node)
);

-- One row a running node, gone when it stops in good order: found at the start, it says that the last run died.
CREATE TABLE engine_run (
  node TEXT PRIMARY KEY,
  started_at BIGINT NOT NULL
);

-- After such a death: the one stimulus that a shard's worker has in hand, and how many runs it has outlived.
CREATE TABLE shard_trial (
  shard SMALLINT PRIMARY KEY,
  run BLOB NOT NULL,
  stimulus TEXT NOT NULL,
  deaths INT NOT NULL
);

-- What a pause held back is not late for that.
ALTER TABLE journey ADD COLUMN resumed_at BIGINT;

-- A contact with an incident is still inside its journey.
CREATE INDEX instance_incident ON instance (contact_id) WHERE status = 3;

-- An instance just asked for, by the id it will have; kind 3 is StartInstance.
CREATE INDEX inbox_start ON inbox (key) WHERE kind = 3;
