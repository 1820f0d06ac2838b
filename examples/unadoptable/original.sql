-- The rows of the original.
INSERT INTO tickets (question, closed) SELECT 'question ' || n, n % 2 = 0 FROM generate_series(1, 20) n;
INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES ('!', false, 'ana', '', '', 'ana@example.org', false, true, now());
