-- What uses the rows of a table as a whole, by its row type or by its name in a query: PostgreSQL notes no column of it,
-- so no DROP would be refused. The table's own triggers, checks and columns may: they see the row that there is.
-- The table is found by its names: ::regclass needs a right on its schema, and a right that is missing is told apart.
WITH changed AS (SELECT reltype, typarray FROM pg_class JOIN pg_type ON pg_type.oid = reltype
                   JOIN pg_namespace ON pg_namespace.oid = relnamespace
                  WHERE nspname = %(schema)s AND relname = %(name)s),
query AS (
    SELECT 'pg_rewrite'::regclass AS kind, oid, ev_action::text || coalesce(ev_qual::text, '') AS tree FROM pg_rewrite
    UNION ALL SELECT 'pg_policy'::regclass, oid, concat(polqual::text, polwithcheck::text) FROM pg_policy
    UNION ALL SELECT 'pg_proc'::regclass, oid, prosqlbody::text FROM pg_proc WHERE prosqlbody IS NOT NULL
)
SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid) AS what,
       CASE WHEN d.classid = 'pg_proc'::regclass THEN d.objid::regprocedure::text END AS function,
       d.classid = 'pg_class'::regclass AND c.relkind IN ('r', 'p', 'm') AS stored
  FROM changed
  JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass AND d.refobjid IN (changed.reltype, changed.typarray)
   AND d.deptype IN ('n', 'a')
  LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
UNION
SELECT pg_describe_object(query.kind, query.oid, 0),
       CASE WHEN query.kind = 'pg_proc'::regclass THEN query.oid::regprocedure::text END, false
  FROM changed JOIN query ON query.tree ~ format(':varattno 0 :vartype %%s ', changed.reltype)
 ORDER BY 1
