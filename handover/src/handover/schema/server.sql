SELECT current_database() AS database, current_user AS role, current_setting('server_version_num')::int AS version,
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           - coalesce(current_setting('reserved_connections', true)::int, 0) AS connections,
       (SELECT datconnlimit FROM pg_database WHERE datname = current_database()) AS database_connections,
       -- Of all roles: everywhere, then in this database, which counts more.
       (SELECT coalesce(array_agg(s ORDER BY d.setdatabase), '{}') FROM pg_db_role_setting d, unnest(d.setconfig) s
         WHERE d.setrole = 0 AND d.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))) AS settings
