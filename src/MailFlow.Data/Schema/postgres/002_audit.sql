-- Who changed what, append-only: written in the transaction of the change.
CREATE TABLE audit (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at BIGINT NOT NULL,
  account_id INT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail jsonb NOT NULL
);
CREATE INDEX audit_account ON audit (account_id, seq);
CREATE INDEX audit_subject ON audit (account_id, subject, seq);
