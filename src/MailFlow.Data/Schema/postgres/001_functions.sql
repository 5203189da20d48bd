-- The members of the patch replace those of the document; a null removes (one level deep).
CREATE FUNCTION json_patch_members(document jsonb, patch jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (document || patch) - coalesce((SELECT array_agg(key) FROM jsonb_each(patch) WHERE value = 'null'::jsonb), '{}')
$$;
