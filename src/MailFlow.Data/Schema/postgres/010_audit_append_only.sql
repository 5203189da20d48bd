-- The audit record is append-only, and the database sees to it. Two things alone change it: erasure takes out whose it was (subject and detail,
-- nothing else), and retention drops what is older than the instant up to which it says that it keeps none.
CREATE TABLE audit_horizon (
  account_id INT NOT NULL DEFAULT 0, -- of no account: the installation's
  id INT PRIMARY KEY CHECK (id = 1),
  before BIGINT NOT NULL
);
INSERT INTO audit_horizon (id, before) VALUES (1, 0);

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF (NEW.seq, NEW.at, NEW.account_id, NEW.actor, NEW.action) = (OLD.seq, OLD.at, OLD.account_id, OLD.actor, OLD.action)
      AND NEW.subject IN (OLD.subject, 'erased') AND NEW.detail = '{}' THEN RETURN NEW; END IF;
  ELSIF TG_OP = 'DELETE' THEN
    IF OLD.at < (SELECT before FROM audit_horizon) THEN RETURN OLD; END IF;
  END IF;
  RAISE EXCEPTION 'the audit record is append-only';
END
$$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_not_emptied BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
