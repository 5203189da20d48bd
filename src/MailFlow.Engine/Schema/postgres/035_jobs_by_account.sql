-- Jobs are claimed account by account.
CREATE INDEX job_account ON job (account_id, due_at);
