-- The processes that run on this database, each with its last sign of life. The server's own, of no account (0). stopped_at: it said goodbye.
CREATE TABLE node (
  name TEXT PRIMARY KEY,
  account_id INT NOT NULL DEFAULT 0,
  roles TEXT NOT NULL,
  version TEXT NOT NULL,
  started_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  stopped_at BIGINT
);
