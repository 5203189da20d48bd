-- Queues live by being emptied: vacuumed by the number of rows that went, however many there are, and without pauses, so that a claim does not walk over what is gone.
ALTER TABLE inbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE job SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- Rows that are changed in place, in columns that no index holds: with room on their page, a change writes no index (HOT).
ALTER TABLE entry SET (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE journey_count SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

-- Long tables in which each row changes or goes some time: a fifth of them dead, the default, is too late.
ALTER TABLE instance SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE event_key SET (autovacuum_vacuum_scale_factor = 0.05);
