-- Takes the backend out. As the owner of the tables.
DROP SCHEMA backend CASCADE;
DROP OWNED BY backend_app;
DROP ROLE backend_app;
