-- "plain": a whole-table index on columns in their usual order. A partial one neither serves every look-up nor forbids
-- every duplicate, and one for LIKE (varchar_pattern_ops) serves no sorting.
SELECT n.nspname AS "schema", c.relname AS "table", x.relname AS name, m.amname AS method,
       ARRAY(SELECT a.attname::text
               FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS key(attnum, position)
               JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = key.attnum
              WHERE key.position <= i.indnkeyatts
              ORDER BY key.position) AS columns,
       i.indisunique AS "unique", i.indisprimary AS "primary", i.indisvalid AND i.indisready AS valid,
       i.indpred IS NOT NULL OR i.indexprs IS NOT NULL AS special,
       NOT EXISTS (SELECT FROM unnest(i.indclass::oid[]) AS class(oid) JOIN pg_opclass o ON o.oid = class.oid
                    WHERE NOT o.opcdefault) AS default_classes,
       EXISTS (SELECT FROM unnest(i.indclass::oid[]) AS class(oid) JOIN pg_opclass o ON o.oid = class.oid
                WHERE o.opcname LIKE '%pattern\_ops') AS "like",
       ARRAY(SELECT a.attname::text
               FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS key(attnum, position)
               JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = key.attnum
              WHERE key.position > i.indnkeyatts
              ORDER BY key.position) AS include,
       ARRAY(SELECT o.opcname::text FROM unnest(i.indclass::oid[]) WITH ORDINALITY AS class(oid, position)
               JOIN pg_opclass o ON o.oid = class.oid ORDER BY class.position) AS classes,
       i.indoption::int2[] AS "order",
       -- Before PostgreSQL 15 there was no such choice.
       NOT coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) AS nulls_distinct,
       pg_get_indexdef(i.indexrelid) AS definition
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indrelid
  JOIN pg_class x ON x.oid = i.indexrelid
  JOIN pg_am m ON m.oid = x.relam
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
 ORDER BY 1, 2, 3
