-- What the original deletes then; the backend's wishes go with the rows that they point at.
DELETE FROM loans;
DELETE FROM auth_user WHERE username = 'leo';
