-- When a node with a bus was seen last: one without leaves alone what is asked for until none has been for a while.
ALTER TABLE fact_publisher ADD COLUMN asked_at BIGINT NOT NULL DEFAULT 0;
