-- What holds marketing mail back by default: quiet hours where the recipient is (local times, HH:mm), and at most so
-- many mails to a contact in so many milliseconds.
CREATE TABLE sending_policy (
  account_id INT PRIMARY KEY,
  quiet_from TEXT,
  quiet_to TEXT,
  cap_messages INT CHECK (cap_messages > 0),
  cap_period BIGINT CHECK (cap_period > 0),
  CHECK ((quiet_from IS NULL) = (quiet_to IS NULL)),
  CHECK ((cap_messages IS NULL) = (cap_period IS NULL))
);

-- 0 low: skipped when the recipient has had enough; 1 normal: put off until then; 2 high: sent all the same.
ALTER TABLE message ADD COLUMN priority SMALLINT NOT NULL DEFAULT 1;
