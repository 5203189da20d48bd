-- The domains that an account's mail comes from, how they are to be set up in DNS, and what was found there.
-- dkim_*: the key that signs; without dkim_key, the selector that the provider signs with. next_*: a key of ours that waits for its record to be seen.
-- Private keys are sealed. checks: a list of DomainCheck; state: the CheckState that they add up to.
CREATE TABLE sending_domain (
  account_id INT NOT NULL,
  domain TEXT NOT NULL,
  return_path TEXT,
  tracking_host TEXT,
  dkim_selector TEXT,
  dkim_key TEXT,
  dkim_public TEXT,
  next_selector TEXT,
  next_key TEXT,
  next_public TEXT,
  state SMALLINT NOT NULL DEFAULT 3 CHECK (state BETWEEN 0 AND 3),
  checks jsonb,
  checked_at BIGINT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, domain),
  CHECK ((checks IS NULL) = (checked_at IS NULL)),
  CHECK ((dkim_key IS NULL) = (dkim_public IS NULL)),
  CHECK ((next_key IS NULL) = (next_public IS NULL) AND (next_key IS NULL) = (next_selector IS NULL))
);
