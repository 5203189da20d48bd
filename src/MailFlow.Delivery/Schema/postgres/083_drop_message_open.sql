-- See 082_open_messages_by_state.sql.
DROP INDEX message_open;
