-- Keys are compared byte by byte, as in memory and on SQLite.
CREATE TABLE template (
  account_id INT NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  latest_version INT NOT NULL CHECK (latest_version > 0),
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, key)
);

-- What was sent must stay readable and what is queued must stay as it was when it was queued: a version never changes.
-- stream: 0 marketing, 1 transactional.
CREATE TABLE template_version (
  account_id INT NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  version INT NOT NULL CHECK (version > 0),
  subject TEXT NOT NULL,
  html TEXT NOT NULL,
  text TEXT,
  layout TEXT,
  stream SMALLINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, key, version)
);

CREATE FUNCTION refuse_template_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a template version never changes: put a new one';
END
$$;
CREATE TRIGGER template_version_immutable BEFORE UPDATE ON template_version
  FOR EACH ROW EXECUTE FUNCTION refuse_template_change();
