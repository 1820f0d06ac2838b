-- What the backend writes once it is in.
INSERT INTO orders (article, pieces) VALUES ('by the backend', 2);
