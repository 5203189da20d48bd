-- All that is counted in an account lately: a sending domain is judged with the other names of its registered domain.
CREATE INDEX sending_day_lately ON sending_day (account_id, day);
