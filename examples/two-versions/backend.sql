-- What the backend writes once it is in.
UPDATE repairs SET mechanic = 'Leo' WHERE NOT done;
INSERT INTO parts (repair_id, name) SELECT id, 'chain' FROM repairs;
