-- The paused journey for whose sake a due job was put aside: no index of due ones holds it until the journey goes on.
ALTER TABLE job ADD COLUMN parked_journey INT;
DROP INDEX job_due;
DROP INDEX job_account;
CREATE INDEX job_due ON job (due_at) WHERE parked_journey IS NULL;
CREATE INDEX job_account ON job (account_id, due_at) WHERE parked_journey IS NULL;
CREATE INDEX job_parked ON job (parked_journey) WHERE parked_journey IS NOT NULL;
