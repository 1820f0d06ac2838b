SELECT r.rolname AS name, r.rolsuper OR r.rolbypassrls AS unbounded, r.rolconnlimit AS connections,
       r.rolcanlogin AS logs_in, coalesce(r.rolvaliduntil < now(), false) AS expired,
       has_database_privilege(r.oid, current_database(), 'CONNECT') AS connects,
       coalesce((SELECT array_agg(s ORDER BY d.setdatabase) FROM pg_db_role_setting d, unnest(d.setconfig) s
                  WHERE d.setrole = r.oid AND d.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
                ), '{}') AS settings
  FROM pg_roles r WHERE r.rolname = ANY(%(roles)s)
