SELECT f.conname::text AS name, f.contype::text AS kind, f.convalidated AS validated, pg_get_constraintdef(f.oid) AS definition,
       ARRAY(SELECT a.attname::text FROM unnest(f.conkey) k (number)
               JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.number) AS columns
  FROM pg_constraint f
 WHERE f.conrelid = %(oid)s AND f.contype IN ('c', 'x')
 ORDER BY f.conname
