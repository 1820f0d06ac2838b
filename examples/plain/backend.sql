-- What the backend writes once it is in: its new column, and rows of its own that point at shared rows.
UPDATE books SET shelf = 'A1';
INSERT INTO wishes (book_id, reader_id) SELECT b.id, u.id FROM books b, auth_user u;
