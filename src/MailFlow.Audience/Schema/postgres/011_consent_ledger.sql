-- What makes a consent demonstrable: on which legal basis, to which wording, from where, until when.
ALTER TABLE consent ADD COLUMN basis TEXT CHECK (basis IN ('express', 'implied', 'soft_opt_in', 'contract', 'legitimate_interest'));
ALTER TABLE consent ADD COLUMN wording TEXT;
ALTER TABLE consent ADD COLUMN wording_version TEXT;
ALTER TABLE consent ADD COLUMN ip TEXT;
ALTER TABLE consent ADD COLUMN user_agent TEXT;
ALTER TABLE consent ADD COLUMN jurisdiction TEXT;
ALTER TABLE consent ADD COLUMN message_id uuid;
ALTER TABLE consent ADD COLUMN expires_at BIGINT;

-- The purposes that recipients choose among, as they read them.
CREATE TABLE purpose (
  account_id INT NOT NULL,
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  offered BOOLEAN NOT NULL,
  position INT NOT NULL,
  version INT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, key)
);
