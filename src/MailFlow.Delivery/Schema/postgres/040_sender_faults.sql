-- Whose mail was refused for a fault of the sender's (subject: as in sending_stop), until enough of them say so, or for a day.
CREATE TABLE sender_fault (
  account_id INT NOT NULL,
  subject TEXT NOT NULL,
  stream SMALLINT NOT NULL CHECK (stream IN (0, 1)),
  contact_id BIGINT NOT NULL,
  receiver TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (account_id, subject, stream, contact_id)
);
CREATE INDEX sender_fault_at ON sender_fault (at);
CREATE INDEX sender_fault_contact ON sender_fault (contact_id);
