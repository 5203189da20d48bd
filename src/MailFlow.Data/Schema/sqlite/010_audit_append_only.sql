-- The audit record is append-only, and the database sees to it. Two things alone change it: erasure takes out whose it was (subject and detail,
-- nothing else), and retention drops what is older than the instant up to which it says that it keeps none.
CREATE TABLE audit_horizon (
  account_id INT NOT NULL DEFAULT 0, -- of no account: the installation's
  id INT PRIMARY KEY CHECK (id = 1),
  before BIGINT NOT NULL
);
INSERT INTO audit_horizon (id, before) VALUES (1, 0);

CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit
WHEN NOT (NEW.seq = OLD.seq AND NEW.at = OLD.at AND NEW.account_id = OLD.account_id AND NEW.actor = OLD.actor AND NEW.action = OLD.action
  AND NEW.subject IN (OLD.subject, 'erased') AND NEW.detail = '{}')
BEGIN
  SELECT RAISE(ABORT, 'the audit record is append-only');
END;
CREATE TRIGGER audit_kept BEFORE DELETE ON audit
WHEN OLD.at >= (SELECT before FROM audit_horizon)
BEGIN
  SELECT RAISE(ABORT, 'the audit record is append-only');
END;
