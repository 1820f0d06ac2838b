-- Every right that was granted to a role itself, outside of its own schema; "mine" when we may revoke it.
SELECT kind, object, privilege, mine
  FROM (
        SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind,
               format('%%I.%%I', n.nspname, c.relname) AS object, a.privilege_type::text AS privilege, a.grantor, a.grantee
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN aclexplode(c.relacl) a
         WHERE n.nspname <> %(schema)s
        UNION ALL
        SELECT 'TABLE', format('%%I.%%I', n.nspname, c.relname), format('%%s (%%I)', a.privilege_type, t.attname),
               a.grantor, a.grantee
          FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         CROSS JOIN aclexplode(t.attacl) a
         WHERE n.nspname <> %(schema)s
        UNION ALL
        SELECT 'SCHEMA', format('%%I', n.nspname), a.privilege_type, a.grantor, a.grantee
          FROM pg_namespace n CROSS JOIN aclexplode(n.nspacl) a WHERE n.nspname <> %(schema)s
        UNION ALL
        SELECT 'DATABASE', format('%%I', d.datname), a.privilege_type, a.grantor, a.grantee
          FROM pg_database d CROSS JOIN aclexplode(d.datacl) a WHERE d.datname = current_database()
        UNION ALL
        SELECT CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END,
               format('%%I.%%I(%%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
               a.privilege_type, a.grantor, a.grantee
          FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace CROSS JOIN aclexplode(p.proacl) a
         WHERE n.nspname <> %(schema)s
       ) AS held
 CROSS JOIN LATERAL (SELECT pg_has_role(grantor, 'USAGE') AS mine) AS ours
 WHERE grantee = (SELECT oid FROM pg_roles WHERE rolname = %(role)s)
 ORDER BY 1, 2, 3
