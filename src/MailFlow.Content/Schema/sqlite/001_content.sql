CREATE TABLE template (
  account_id INT NOT NULL,
  key TEXT NOT NULL,
  latest_version INT NOT NULL CHECK (latest_version > 0),
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, key)
);

-- What was sent must stay readable and what is queued must stay as it was when it was queued: a version never changes.
-- stream: 0 marketing, 1 transactional.
CREATE TABLE template_version (
  account_id INT NOT NULL,
  key TEXT NOT NULL,
  version INT NOT NULL CHECK (version > 0),
  subject TEXT NOT NULL,
  html TEXT NOT NULL,
  text TEXT,
  layout TEXT,
  stream SMALLINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, key, version)
);

CREATE TRIGGER template_version_immutable BEFORE UPDATE ON template_version
BEGIN
  SELECT RAISE(ABORT, 'a template version never changes: put a new one');
END;
