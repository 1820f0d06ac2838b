-- What the role may do with the shared tables already, by a grant of its own.
SELECT c.relname AS "table", a.privilege_type AS privilege
  FROM pg_class c CROSS JOIN aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee
 WHERE r.rolname = %(role)s AND c.relnamespace = 'public'::regnamespace AND c.relname = ANY(%(tables)s)
 ORDER BY 1, 2
