-- The rights that were granted to a role itself on public and on the objects in it: one row for each object and grant
-- option. A table with rights on single columns is left out: REVOKE on the table removes them too, for good.
SELECT kind, name, array_agg(privilege ORDER BY privilege) AS rights, grantable, owns, mine
  FROM (
        SELECT 'TABLE' AS kind, ARRAY['public', c.relname]::text[] AS name, a.privilege_type AS privilege,
               a.is_grantable AS grantable, c.relowner = r.oid AS owns,
               a.grantor = c.relowner AND pg_has_role(c.relowner, 'USAGE')
                   AND NOT EXISTS (SELECT FROM pg_attribute x, aclexplode(x.attacl) y
                                    WHERE x.attrelid = c.oid AND y.grantee = r.oid) AS mine
          FROM pg_class c CROSS JOIN aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee
         WHERE r.rolname = %(role)s AND c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
        UNION ALL
        SELECT 'SEQUENCE', ARRAY['public', c.relname]::text[], a.privilege_type, a.is_grantable, c.relowner = r.oid,
               a.grantor = c.relowner AND pg_has_role(c.relowner, 'USAGE')
          FROM pg_class c CROSS JOIN aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee
         WHERE r.rolname = %(role)s AND c.relnamespace = 'public'::regnamespace AND c.relkind = 'S'
        UNION ALL
        SELECT 'SCHEMA', ARRAY[n.nspname]::text[], a.privilege_type, a.is_grantable, n.nspowner = r.oid,
               a.grantor = n.nspowner AND pg_has_role(n.nspowner, 'USAGE')
          FROM pg_namespace n CROSS JOIN aclexplode(n.nspacl) a JOIN pg_roles r ON r.oid = a.grantee
         WHERE r.rolname = %(role)s AND n.nspname = 'public'
       ) AS held
 GROUP BY kind, name, grantable, owns, mine
 ORDER BY kind, name, grantable
