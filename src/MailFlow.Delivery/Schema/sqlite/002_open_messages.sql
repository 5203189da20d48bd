-- What an instance's end calls off or marks, found in one statement: queued, inflight, deferred, unknown.
CREATE INDEX message_open ON message (instance_id) WHERE state IN (0, 1, 4, 5);
DROP INDEX message_under_way;
DROP INDEX message_cancellable;
