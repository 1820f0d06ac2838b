-- The rows of the original.
INSERT INTO users (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
SELECT '!', false, name, '', '', name || '@example.org', false, true, now() FROM unnest('{ana,leo}'::text[]) name;
INSERT INTO choreography_tasks (task_id, user_id, status, progress, stage, message, created_at, updated_at)
SELECT gen_random_uuid()::text, id, 'running', 10, 'analysing', '', now(), now() FROM users;
