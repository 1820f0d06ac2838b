-- What the original does then: it knows no priority.
INSERT INTO tickets (question, closed) VALUES ('one more', false);
DELETE FROM tickets WHERE closed;
