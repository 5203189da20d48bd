-- Incidents are few among millions: found without a walk through all instances of their journey.
CREATE INDEX instance_faulted ON instance (journey_id, contact_id) WHERE status = 3;

-- A journey's totals, without those of its activities.
CREATE INDEX journey_count_totals ON journey_count (journey_id) WHERE node = -1;

-- How many had entered a journey when a day began (UTC): the numbers of the last days are differences to it. day: days since 1970.
CREATE TABLE journey_day (
  journey_id INT NOT NULL,
  day INT NOT NULL,
  account_id INT NOT NULL,
  entered BIGINT NOT NULL,
  PRIMARY KEY (journey_id, day)
);
