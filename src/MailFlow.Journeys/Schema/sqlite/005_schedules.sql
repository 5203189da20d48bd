-- A time at which a schedule's trigger starts instances: written once, by whichever node's clock strikes first. Its audience is worked through from one contact to the
-- next (after_contact), so that a node that dies leaves the rest to another. done_at: all have been let in, or the journey was gone. entered: how many were asked for.
CREATE TABLE schedule_fire (
  account_id INT NOT NULL,
  journey_id INT NOT NULL,
  activity_id TEXT NOT NULL,
  fire_at BIGINT NOT NULL,
  audience TEXT NOT NULL,
  after_contact BIGINT NOT NULL DEFAULT 0,
  entered BIGINT NOT NULL DEFAULT 0,
  done_at BIGINT,
  PRIMARY KEY (journey_id, activity_id, fire_at)
);
CREATE INDEX schedule_fire_open ON schedule_fire (fire_at) WHERE done_at IS NULL;
