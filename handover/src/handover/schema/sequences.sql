-- The sequences that unique columns take their values from: by identity, where the sequence depends on the column
-- ('i'), or by default, where the expression depends on the sequence.
SELECT n.nspname AS "schema", c.relname AS "table", a.attname AS "column",
       sn.nspname AS in_schema, s.relname AS name, q.seqincrement AS step, q.seqcycle AS cycles,
       greatest(q.seqmin, CASE a.atttypid WHEN 'int2'::regtype THEN -2::numeric ^ 15 WHEN 'int4'::regtype
                          THEN -2::numeric ^ 31 ELSE q.seqmin END)::bigint AS lowest,
       least(q.seqmax, CASE a.atttypid WHEN 'int2'::regtype THEN 2::numeric ^ 15 - 1 WHEN 'int4'::regtype
                       THEN 2::numeric ^ 31 - 1 ELSE q.seqmax END)::bigint AS highest
  FROM pg_depend d
  JOIN pg_sequence q ON q.seqrelid IN (d.objid, d.refobjid)
  JOIN pg_class s ON s.oid = q.seqrelid
  JOIN pg_namespace sn ON sn.oid = s.relnamespace
  LEFT JOIN pg_attrdef v ON d.classid = 'pg_attrdef'::regclass AND v.oid = d.objid
  JOIN pg_attribute a ON a.attrelid = coalesce(v.adrelid, d.refobjid) AND a.attnum = coalesce(v.adnum, d.refobjsubid)
  JOIN pg_class c ON c.oid = a.attrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE d.refclassid = 'pg_class'::regclass AND (v.oid IS NOT NULL OR d.deptype = 'i') AND a.attnum > 0
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid
                AND i.indpred IS NULL AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum)
 ORDER BY 1, 2, 3, 4, 5
