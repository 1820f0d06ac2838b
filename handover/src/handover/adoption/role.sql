-- The facts about the owner, the backend's role and the schema, in one row.
SELECT current_user AS owner,
       current_database() AS database,
       me.rolcreaterole OR me.rolsuper AS may_create_roles,
       has_database_privilege(current_database(), 'CREATE') AS may_create_schemas,
       has_schema_privilege('public', 'public', 'USAGE')
           OR coalesce(has_schema_privilege(role.oid, 'public', 'USAGE'), false) AS has_usage,
       to_regnamespace(quote_ident(%(schema)s)) IS NOT NULL AS schema_exists,
       to_regclass(format('%%I.handover_adoption', %(schema)s)) IS NOT NULL AS adopted,
       role.oid IS NOT NULL AS role_exists,
       coalesce(role.rolsuper OR role.rolbypassrls, false) AS role_is_superuser,
       -- Since PostgreSQL 16 the creator of a role is a member that may grant the role but not act for it.
       role.oid IS NOT NULL AND CASE WHEN current_setting('server_version_num')::int >= 160000
           THEN pg_has_role(current_user, role.oid, 'SET') AND pg_has_role(current_user, role.oid, 'USAGE')
           ELSE pg_has_role(current_user, role.oid, 'MEMBER') END AS is_member,
       coalesce((SELECT setconfig FROM pg_db_role_setting WHERE setrole = role.oid AND setdatabase = 0), '{}') AS role_settings
  FROM pg_roles me
  LEFT JOIN pg_roles role ON role.rolname = %(role)s
 WHERE me.rolname = current_user
