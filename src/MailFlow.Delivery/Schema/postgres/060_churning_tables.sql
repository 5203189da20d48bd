-- See the engine's 031_churning_tables.sql.
ALTER TABLE webhook_call SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE rate_bucket SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
ALTER TABLE sending_day SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE message SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
