-- What handover adopt makes for tables in public, made by hand for the schema shop. As the owner of the tables.
CREATE ROLE backend_app LOGIN PASSWORD :'password';
GRANT backend_app TO CURRENT_USER;
CREATE SCHEMA backend AUTHORIZATION backend_app;
ALTER ROLE backend_app SET search_path = backend, shop;
GRANT USAGE ON SCHEMA shop TO backend_app;
GRANT SELECT, INSERT, UPDATE, DELETE, REFERENCES ON ALL TABLES IN SCHEMA shop TO backend_app;

-- A history of its own, so that neither system takes the other's migrations for its own.
SET ROLE backend_app;
CREATE TABLE backend.django_migrations (LIKE shop.django_migrations INCLUDING ALL);
INSERT INTO backend.django_migrations (app, name, applied)
SELECT app, name, applied FROM shop.django_migrations WHERE app IN ('auth', 'contenttypes', 'sessions') ORDER BY id;
RESET ROLE;
