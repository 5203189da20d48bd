-- What an operator says is stronger than what a recipient does: see SuppressionReason.Severity.
UPDATE suppression SET severity = CASE reason
  WHEN 'erased' THEN 7 WHEN 'complaint' THEN 6 WHEN 'hard_bounce' THEN 5 WHEN 'invalid_address' THEN 4 WHEN 'unsubscribed' THEN 2 WHEN 'soft_bounce' THEN 1 WHEN 'paused' THEN 0 ELSE 3 END;
