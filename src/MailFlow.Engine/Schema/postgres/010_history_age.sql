-- By which old history is found: a few pages, however long the table.
CREATE INDEX history_age ON history USING brin (at);
