-- The rows of the original.
INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
SELECT '!', false, name, '', '', name || '@example.org', false, true, now() FROM unnest('{ana,leo}'::text[]) name;
INSERT INTO books (title, isbn) SELECT 'Volume ' || n, lpad(n::text, 13, '0') FROM generate_series(1, 20) n;
INSERT INTO loans (book_id, reader_id, since, returned)
SELECT b.id, u.id, current_date, false FROM books b, auth_user u WHERE u.username = 'leo';
