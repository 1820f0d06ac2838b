-- What each of the roles may not do, and could do as a member of the owner.
SELECT r.rolname AS role, n.nspname AS "schema", c.relname AS "table",
       ARRAY(SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p
              WHERE NOT has_table_privilege(r.oid, c.oid, p)) AS missing,
       NOT has_schema_privilege(r.oid, n.oid, 'USAGE') AS no_schema,
       pg_has_role(r.oid, c.relowner, 'MEMBER') AS owns,
       coalesce((SELECT array_agg(s.relname::text ORDER BY s.relname) FROM pg_depend d JOIN pg_class s ON s.oid = d.objid
                  WHERE d.refobjid = c.oid AND d.deptype = 'a'
                    -- CASE, because AND promises no order and the function fails on anything else.
                    AND CASE WHEN s.relkind = 'S' THEN NOT has_sequence_privilege(r.oid, s.oid, 'USAGE') END), '{}') AS sequences
  FROM pg_roles r CROSS JOIN pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE r.rolname = ANY(%(roles)s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
