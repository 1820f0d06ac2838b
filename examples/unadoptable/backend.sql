-- What the mended backend writes once it is in.
UPDATE tickets SET priority = 1 WHERE NOT closed;
