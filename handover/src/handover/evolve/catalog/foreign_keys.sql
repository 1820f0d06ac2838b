SELECT f.conname::text AS name, cn.nspname::text AS child_schema, c.relname::text AS child, pn.nspname::text AS parent_schema,
       p.relname::text AS parent, f.confdeltype::text AS on_delete, f.confupdtype::text AS on_update,
       f.confmatchtype::text AS match, f.condeferrable AS deferrable, f.condeferred AS deferred, f.convalidated AS validated,
       coalesce(array_length(f.confdelsetcols, 1), 0) > 0 AS sets_some,
       obj_description(f.oid, 'pg_constraint') AS comment,
       ARRAY(SELECT a.attname::text FROM unnest(f.conkey) WITH ORDINALITY k (number, place)
               JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.number ORDER BY k.place) AS columns,
       ARRAY(SELECT a.attname::text FROM unnest(f.confkey) WITH ORDINALITY k (number, place)
               JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.number ORDER BY k.place) AS parent_columns
  FROM pg_constraint f
  JOIN pg_class c ON c.oid = f.conrelid JOIN pg_namespace cn ON cn.oid = c.relnamespace
  JOIN pg_class p ON p.oid = f.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
 WHERE f.contype = 'f' AND f.conparentid = 0 AND %(oid)s IN (f.conrelid, f.confrelid)
 ORDER BY c.relname, f.conname
