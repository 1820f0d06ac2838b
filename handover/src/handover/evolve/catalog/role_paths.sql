SELECT r.rolname::text AS role,
       (SELECT s FROM unnest(own.setconfig) s WHERE s LIKE 'search_path=%%') AS here,
       (SELECT s FROM unnest(anywhere.setconfig) s WHERE s LIKE 'search_path=%%') AS everywhere,
       coalesce((SELECT s FROM unnest(base.setconfig) s WHERE s LIKE 'search_path=%%'),
                (SELECT s FROM unnest(every_role.setconfig) s WHERE s LIKE 'search_path=%%'),
                -- The server's own, where this session can tell it from a setting of its role.
                (SELECT 'search_path=' || reset_val FROM pg_settings
                  WHERE name = 'search_path' AND source IN ('default', 'configuration file', 'command line'))) AS base,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
         OR (SELECT rolcreaterole FROM pg_roles WHERE rolname = current_user)
            AND pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION') OR r.rolname = current_user AS may_alter
  FROM pg_roles r
  LEFT JOIN pg_database d ON d.datname = current_database()
  LEFT JOIN pg_db_role_setting own ON own.setrole = r.oid AND own.setdatabase = d.oid
  LEFT JOIN pg_db_role_setting anywhere ON anywhere.setrole = r.oid AND anywhere.setdatabase = 0
  LEFT JOIN pg_db_role_setting base ON base.setrole = 0 AND base.setdatabase = d.oid
  LEFT JOIN pg_db_role_setting every_role ON every_role.setrole = 0 AND every_role.setdatabase = 0
 WHERE r.rolname = ANY (%(roles)s)
 ORDER BY 1
