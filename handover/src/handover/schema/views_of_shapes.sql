-- The columns of plain views in some schemas: the table behind each, and which of its columns it is.
SELECT n.nspname AS schema, c.relname AS view, a.attname AS column, bn.nspname AS base_schema, b.relname AS base,
       ba.attname AS base_column
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_rewrite w ON w.ev_class = c.oid AND w.rulename = '_RETURN'
  CROSS JOIN regexp_matches(
       w.ev_action::text,
       ':resno (\d+) :resname (?:\S|\\.)+ :ressortgroupref \d+ :resorigtbl (\d+) :resorigcol (\d+)', 'g') AS found
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = found[1]::int AND NOT a.attisdropped
  JOIN pg_class b ON b.oid = found[2]::oid AND b.relkind = 'r'
  JOIN pg_namespace bn ON bn.oid = b.relnamespace
  JOIN pg_attribute ba ON ba.attrelid = b.oid AND ba.attnum = found[3]::int AND NOT ba.attisdropped
 WHERE c.relkind = 'v' AND n.nspname = ANY(%(schemas)s)
 ORDER BY 1, 2, a.attnum
