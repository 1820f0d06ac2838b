SELECT c.relname::text AS name, x.indisunique AS "unique", x.indisprimary AS "primary", x.indisvalid AS valid,
       x.indisreplident AS replica_identity, x.indexprs IS NOT NULL AS has_expressions,
       x.indpred IS NOT NULL AS partial, pg_get_indexdef(x.indexrelid) AS definition,
       ARRAY(SELECT a.attname::text FROM unnest(x.indkey) WITH ORDINALITY k (number, place)
               JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.number
              WHERE k.place <= x.indnkeyatts ORDER BY k.place) AS keys,
       -- Also the columns of its expressions, of its condition, and those that it carries.
       ARRAY(SELECT DISTINCT a.attname::text FROM pg_attribute a
              WHERE a.attrelid = x.indrelid AND a.attnum > 0
                AND (a.attnum = ANY (x.indkey) OR EXISTS (
                     SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = x.indexrelid
                        AND d.refclassid = 'pg_class'::regclass AND d.refobjid = x.indrelid AND d.refobjsubid = a.attnum))) AS columns,
       ARRAY(SELECT DISTINCT a.attname::text FROM pg_attribute a
              WHERE a.attrelid = x.indrelid AND a.attnum = ANY (x.indkey)) AS plain_columns,
       k.conname::text AS "constraint", k.contype::text AS constraint_kind,
       coalesce(k.condeferrable, false) AS deferrable, coalesce(k.condeferred, false) AS deferred,
       s.spcname::text AS tablespace, obj_description(x.indexrelid, 'pg_class') AS comment,
       obj_description(k.oid, 'pg_constraint') AS constraint_comment,
       (SELECT bool_and(o.opcdefault) FROM unnest(x.indclass) i (oid) JOIN pg_opclass o ON o.oid = i.oid) AS default_classes
  FROM pg_index x
  JOIN pg_class c ON c.oid = x.indexrelid
  LEFT JOIN pg_constraint k ON k.conindid = x.indexrelid AND k.conrelid = x.indrelid AND k.contype IN ('p', 'u', 'x')
  LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
 WHERE x.indrelid = %(oid)s
 ORDER BY c.relname
