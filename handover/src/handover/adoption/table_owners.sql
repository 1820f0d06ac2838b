SELECT c.relname AS "table", pg_get_userbyid(c.relowner) AS owner, pg_has_role(c.relowner, 'USAGE') AS mine,
       EXISTS (SELECT FROM pg_roles r WHERE r.rolname = %(role)s AND pg_has_role(r.oid, c.relowner, 'MEMBER')) AS roles
  FROM pg_class c
 WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY(%(tables)s)
 ORDER BY c.relname
