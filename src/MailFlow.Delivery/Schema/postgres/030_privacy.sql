-- When the mail was last handed over: the instant for which consent and suppression are told.
ALTER TABLE message ADD COLUMN handed_over_at BIGINT;

-- Where the account's data and its mail must stay, such as eu; NULL: anywhere.
ALTER TABLE account ADD COLUMN region TEXT;
