-- What the original deletes then.
DELETE FROM accounts_groups;
DELETE FROM accounts WHERE email = 'leo@example.org';
