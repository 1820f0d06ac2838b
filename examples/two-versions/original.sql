-- The rows of the original.
INSERT INTO repairs (bicycle, price, taken_in, done)
SELECT 'bicycle ' || n, n * 2.5, now() - n * interval '1 hour', n % 3 = 0 FROM generate_series(1, 30) n;
INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES ('!', false, 'ana', '', '', 'ana@example.org', false, true, now());
