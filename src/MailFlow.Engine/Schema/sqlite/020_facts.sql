-- Which facts somebody wants to be told. account_id 0: of all accounts; type '*': of all types. consumer: see FactConsumer.
CREATE TABLE fact_interest (
  account_id INT NOT NULL,
  type TEXT NOT NULL,
  consumer SMALLINT NOT NULL,
  PRIMARY KEY (account_id, type, consumer)
);

-- The outbox: what happened, written in the transaction that made it so. to_webhooks, to_bus: still to be taken by those.
CREATE TABLE fact (
  id BLOB NOT NULL UNIQUE,
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at BIGINT NOT NULL,
  contact_id BIGINT NOT NULL,
  account_id INT NOT NULL,
  to_webhooks INTEGER NOT NULL,
  to_bus INTEGER NOT NULL,
  type TEXT NOT NULL,
  user_id TEXT NOT NULL,
  data TEXT NOT NULL
);
CREATE INDEX fact_to_webhooks ON fact (seq) WHERE to_webhooks;
CREATE INDEX fact_to_bus ON fact (seq) WHERE to_bus;
CREATE INDEX fact_account ON fact (account_id, at);
CREATE INDEX fact_contact ON fact (contact_id);

-- Which node publishes to the bus: one at a time, so that a contact's facts keep their order.
CREATE TABLE fact_publisher (
  id INT PRIMARY KEY CHECK (id = 1),
  node TEXT NOT NULL,
  lease_until BIGINT NOT NULL
);
INSERT INTO fact_publisher (id, node, lease_until) VALUES (1, '', 0);
