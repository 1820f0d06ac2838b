-- What the backend writes once it is in.
UPDATE accounts SET nickname = split_part(email, '@', 1);
INSERT INTO devices (owner_id, address) SELECT id, 'phone of ' || nickname FROM accounts;
