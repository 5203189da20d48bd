-- Whose they are, so that the wall between accounts (AccountWall) stands before these too. A node of the version before does not say it: the trigger does.
ALTER TABLE webhook_subscription ADD COLUMN account_id INT;
ALTER TABLE webhook_attempt ADD COLUMN account_id INT;
UPDATE webhook_subscription s SET account_id = e.account_id FROM webhook_endpoint e WHERE e.id = s.endpoint_id;
UPDATE webhook_attempt a SET account_id = d.account_id FROM webhook_delivery d WHERE d.endpoint_id = a.endpoint_id AND d.fact_id = a.fact_id;
ALTER TABLE webhook_subscription ALTER COLUMN account_id SET NOT NULL;
ALTER TABLE webhook_attempt ALTER COLUMN account_id SET NOT NULL;

CREATE FUNCTION webhook_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_TABLE_NAME = 'webhook_subscription' THEN
    NEW.account_id := (SELECT e.account_id FROM webhook_endpoint e WHERE e.id = NEW.endpoint_id);
  ELSE -- its endpoint may be gone by now
    NEW.account_id := (SELECT d.account_id FROM webhook_delivery d WHERE d.endpoint_id = NEW.endpoint_id AND d.fact_id = NEW.fact_id);
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER webhook_subscription_account BEFORE INSERT ON webhook_subscription FOR EACH ROW WHEN (NEW.account_id IS NULL) EXECUTE FUNCTION webhook_account();
CREATE TRIGGER webhook_attempt_account BEFORE INSERT ON webhook_attempt FOR EACH ROW WHEN (NEW.account_id IS NULL) EXECUTE FUNCTION webhook_account();
