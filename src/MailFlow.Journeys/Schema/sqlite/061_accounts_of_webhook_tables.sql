-- Whose they are.
ALTER TABLE webhook_subscription ADD COLUMN account_id INT NOT NULL DEFAULT 0;
ALTER TABLE webhook_attempt ADD COLUMN account_id INT NOT NULL DEFAULT 0;
UPDATE webhook_subscription SET account_id = e.account_id FROM webhook_endpoint e WHERE e.id = webhook_subscription.endpoint_id;
UPDATE webhook_attempt SET account_id = d.account_id FROM webhook_delivery d WHERE d.endpoint_id = webhook_attempt.endpoint_id AND d.fact_id = webhook_attempt.fact_id;
