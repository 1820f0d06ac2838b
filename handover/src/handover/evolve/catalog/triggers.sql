SELECT t.tgname::text AS name, (t.tgtype & 1) = 1 AS for_each_row, (t.tgtype & 2) = 2 AS before, (t.tgtype & 16) = 16 AS on_update,
       t.tgenabled <> 'D' AS enabled, p.oid::regprocedure::text AS function, p.prosrc AS source
  FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
 WHERE t.tgrelid = %(oid)s AND NOT t.tgisinternal
 ORDER BY t.tgname
