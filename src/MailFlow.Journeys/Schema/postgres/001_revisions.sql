-- Every save of a journey's draft, so that none is lost to another one. version: the definition version that it was saved as.
-- session: the editor that saved it, where it says which; it may save on top of what it saved itself.
CREATE TABLE journey_revision (
  journey_id INT NOT NULL REFERENCES journey (id),
  number INT NOT NULL CHECK (number > 0),
  account_id INT NOT NULL,
  version INT NOT NULL,
  definition TEXT NOT NULL,
  source TEXT NOT NULL,
  author TEXT,
  session TEXT,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (journey_id, number)
);
