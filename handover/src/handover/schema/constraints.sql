-- PostgreSQL 18 lists NOT NULL as constraints, too ('n'); columns say that already.
SELECT n.nspname AS "schema", c.relname AS "table", f.conname AS name, f.contype::text AS kind,
       ARRAY(SELECT a.attname::text FROM unnest(f.conkey) WITH ORDINALITY AS key(attnum, position)
               JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = key.attnum ORDER BY key.position) AS columns,
       pg_get_constraintdef(f.oid) AS definition, f.condeferrable AS deferrable, f.condeferred AS deferred, f.convalidated AS validated,
       f.confdeltype::text AS on_delete, tn.nspname AS target_schema, t.relname AS target_table,
       ARRAY(SELECT a.attname::text FROM unnest(f.confkey) WITH ORDINALITY AS key(attnum, position)
               JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = key.attnum
              ORDER BY key.position) AS target_columns
  FROM pg_constraint f
  JOIN pg_class c ON c.oid = f.conrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_class t ON t.oid = f.confrelid
  LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
 WHERE f.contype IN ('p', 'u', 'f', 'c', 'x') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND f.conparentid = 0
 ORDER BY 1, 2, 3
