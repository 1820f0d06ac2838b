-- What the original deletes then. Its role looks in public first, so the schema is named.
DELETE FROM shop.orders WHERE article = 'by the backend';
