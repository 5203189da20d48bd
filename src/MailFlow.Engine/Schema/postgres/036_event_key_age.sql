-- Old keys are found by a tree, not by the BRIN index of before: once pages are used again, its ranges hold old and new together, and every look reads the whole table. New keys go to the tree's
-- right edge, which costs little. The old index goes first: that takes the table's strongest lock, or gives up, before the tree is built and not after.
DROP INDEX event_key_age;
CREATE INDEX event_key_age ON event_key (accepted_at);
