-- Columns of public tables that point at one of these tables, and whether they may be emptied instead of deleted.
SELECT c.relname AS "table", a.attname AS "column", target.relname AS target, NOT a.attnotnull AS "null"
  FROM pg_constraint f
  JOIN pg_class c ON c.oid = f.conrelid
  JOIN pg_class target ON target.oid = f.confrelid
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = f.conkey[1]
 WHERE f.contype = 'f' AND c.relnamespace = 'public'::regnamespace AND target.relnamespace = 'public'::regnamespace
   AND target.relname IN ('auth_permission', 'django_content_type') AND c.relname <> 'auth_permission'
 ORDER BY c.relname, a.attname
