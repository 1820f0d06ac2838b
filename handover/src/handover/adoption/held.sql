-- The rights on the shared tables that were granted to the role itself.
SELECT c.relname AS "table", a.privilege_type AS privilege
  FROM pg_class c CROSS JOIN aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee
 WHERE r.rolname = %(role)s AND c.relnamespace = 'public'::regnamespace AND c.relname = ANY(%(tables)s)
 ORDER BY 1, 2
