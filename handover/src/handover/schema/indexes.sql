-- Only whole-table indexes on plain columns in their usual order: a partial one neither serves every look-up nor
-- forbids every duplicate, and one for LIKE (varchar_pattern_ops) serves no sorting.
SELECT c.relname AS "table", i.indisunique AS "unique", i.indisprimary AS "primary",
       ARRAY(SELECT a.attname::text
               FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS key(attnum, position)
               JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = key.attnum
              WHERE key.position <= i.indnkeyatts
              ORDER BY key.position) AS columns
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indrelid
 WHERE c.relnamespace = 'public'::regnamespace AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
   AND NOT EXISTS (SELECT FROM unnest(i.indclass::oid[]) AS class(oid) JOIN pg_opclass o ON o.oid = class.oid
                    WHERE NOT o.opcdefault)
