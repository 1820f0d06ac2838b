-- The rows of the original.
INSERT INTO accounts (password, is_superuser, email, is_active, is_staff, joined)
SELECT '!', false, name || '@example.org', true, false, now() FROM unnest('{ana,leo}'::text[]) name;
INSERT INTO auth_group (name) VALUES ('teachers');
INSERT INTO accounts_groups (account_id, group_id) SELECT a.id, g.id FROM accounts a, auth_group g;
