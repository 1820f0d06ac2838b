-- Functions whose text names the table and one of the columns; their text is not looked at by DROP or RENAME.
SELECT p.oid::regprocedure::text
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND p.prokind IN ('f', 'p') AND p.prosrc <> ''
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
   AND regexp_split_to_array(p.prosrc, '[^[:alnum:]_$]+') @> ARRAY[%(table)s]
   AND regexp_split_to_array(p.prosrc, '[^[:alnum:]_$]+') && %(columns)s::text[]
   AND left(p.proname, length(%(own)s)) <> %(own)s
 ORDER BY 1
