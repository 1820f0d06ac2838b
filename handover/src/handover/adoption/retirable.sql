-- Every table of public: may we move it, is it part of an extension, and which other relations or functions need it.
SELECT c.relname AS name,
       pg_has_role(c.relowner, 'USAGE') AS mine,
       EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid
                  AND e.deptype = 'e') AS extension,
       ARRAY(
           -- A foreign key of another table
           SELECT format('%s.%s', r.relnamespace::regnamespace, r.relname)
             FROM pg_constraint f JOIN pg_class r ON r.oid = f.conrelid
            WHERE f.contype = 'f' AND f.confrelid = c.oid AND f.conrelid <> c.oid
           UNION
           -- a view that reads it
           SELECT format('%s.%s', v.relnamespace::regnamespace, v.relname)
             FROM pg_depend d JOIN pg_rewrite w ON w.oid = d.objid JOIN pg_class v ON v.oid = w.ev_class
            WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
              AND v.oid <> c.oid
           UNION
           -- a partition of it, or the table that it is a partition of
           SELECT format('%s.%s', other.relnamespace::regnamespace, other.relname)
             FROM pg_inherits i JOIN pg_class other ON other.oid IN (i.inhrelid, i.inhparent)
            WHERE c.oid IN (i.inhrelid, i.inhparent) AND other.oid <> c.oid
           UNION
           -- a function with arguments, a result or a body that PostgreSQL tracks; it does not see text in a body
           SELECT p.proname || '()'
             FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
            WHERE d.classid = 'pg_proc'::regclass
              AND (d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
                   OR d.refclassid = 'pg_type'::regclass AND d.refobjid IN (c.reltype, (SELECT t.typarray FROM pg_type t WHERE t.oid = c.reltype)))
           UNION
           -- a function that names it in its text, which moving would break
           SELECT p.proname || '()'
             FROM pg_proc p
            WHERE p.pronamespace::regnamespace::text !~ '^(pg_|information_schema)'
              AND strpos(coalesce(p.prosrc, ''), c.relname) > 0
           ORDER BY 1
       ) AS needed_by
  FROM pg_class c
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
 ORDER BY c.relname
