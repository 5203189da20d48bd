-- Since when the published version lets contacts in. Its own published_at is when it was published first: it may have been taken back in between, and no time of a schedule that passed meanwhile counts.
ALTER TABLE journey ADD COLUMN published_at BIGINT;
UPDATE journey SET published_at = (SELECT v.published_at FROM definition_version v WHERE v.id = journey.published_version_id) WHERE published_version_id IS NOT NULL;
