-- When a sending domain was last resumed: its standing is by what comes after.
CREATE TABLE sending_resume (
  account_id INT NOT NULL,
  subject TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (account_id, subject)
);

-- How much of a day had been judged when the subject was resumed; it counts for limits, and for its standing no more.
ALTER TABLE sending_day ADD COLUMN judged_mails INT NOT NULL DEFAULT 0;
ALTER TABLE sending_day ADD COLUMN judged_bounces INT NOT NULL DEFAULT 0;
ALTER TABLE sending_day ADD COLUMN judged_complaints INT NOT NULL DEFAULT 0;
