SELECT n.nspname AS "schema", c.relname AS "table", a.attname AS "column",
       target.relname AS target_table, ta.attname AS target_column, f.confdeltype IN ('c', 'n', 'd') AS deletes_in_database
  FROM pg_constraint f
  JOIN pg_class c ON c.oid = f.conrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_class target ON target.oid = f.confrelid
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = f.conkey[1]
  JOIN pg_attribute ta ON ta.attrelid = target.oid AND ta.attnum = f.confkey[1]
 WHERE f.contype = 'f' AND target.relnamespace = 'public'::regnamespace
