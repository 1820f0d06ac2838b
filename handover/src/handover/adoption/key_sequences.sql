-- The sequences that defaults of these tables of public use; an identity column needs no right to its sequence.
SELECT DISTINCT n.nspname AS schema, s.relname AS name, pg_get_userbyid(s.relowner) AS owner,
       pg_has_role(s.relowner, 'USAGE') AS mine
  FROM pg_attrdef v
  JOIN pg_class c ON c.oid = v.adrelid
  JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = v.oid AND d.refclassid = 'pg_class'::regclass
  JOIN pg_class s ON s.oid = d.refobjid AND s.relkind = 'S'
  JOIN pg_namespace n ON n.oid = s.relnamespace
 WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY(%(tables)s)
 ORDER BY 1, 2
