SELECT t.tgname::text AS name, (t.tgtype & 1) = 1 AS for_each_row, (t.tgtype & 2) = 2 AS before, 
       -- UPDATE OF some columns does not fire when a backfill writes a column that is new.
       (t.tgtype & 16) = 16 AND cardinality(t.tgattr::int2[]) = 0 AS on_every_update,
       t.tgenabled <> 'D' AS enabled, p.oid::regprocedure::text AS function, p.prosrc AS source
  FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
 WHERE t.tgrelid = %(oid)s AND NOT t.tgisinternal
 ORDER BY t.tgname
