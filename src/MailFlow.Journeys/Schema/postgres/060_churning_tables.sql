-- A fire's place in its audience moves on with each chunk: in place, where its page has room.
ALTER TABLE schedule_fire SET (fillfactor = 50);
