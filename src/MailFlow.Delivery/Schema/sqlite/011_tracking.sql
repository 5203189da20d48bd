-- Whether an account's mail is tracked by our own means; null: where the provider does not do it. consent: only contacts who have agreed
-- (their attribute tracking is true). host: the account's own name in tracked links.
CREATE TABLE tracking (
  account_id INT PRIMARY KEY,
  enabled INTEGER,
  consent INTEGER NOT NULL,
  host TEXT,
  updated_at BIGINT NOT NULL
);
