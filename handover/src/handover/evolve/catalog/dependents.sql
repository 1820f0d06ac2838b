-- What depends on single columns, beside the table's own indexes, constraints and sequences, and a column's own default.
SELECT DISTINCT a.attname::text AS "column", pg_describe_object(d.classid, d.objid, 0) AS what,
       d.classid::regclass::text AS kind
  FROM pg_depend d
  JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
 WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = %(oid)s AND d.refobjsubid > 0 AND d.deptype IN ('n', 'a')
   AND d.classid NOT IN ('pg_class'::regclass, 'pg_constraint'::regclass)
   AND NOT (d.classid = 'pg_attrdef'::regclass
            AND EXISTS (SELECT FROM pg_attrdef v WHERE v.oid = d.objid AND v.adrelid = d.refobjid AND v.adnum = d.refobjsubid))
 ORDER BY 1, 2
