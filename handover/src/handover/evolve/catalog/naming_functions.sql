-- Functions and their text, which DROP and RENAME do not look at. Those of extensions and of the evolution are left out.
SELECT p.oid::regprocedure::text, p.prosrc
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND p.prokind IN ('f', 'p') AND p.prosrc <> ''
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
   AND left(p.proname, length(%(own)s)) <> %(own)s
 ORDER BY 1
