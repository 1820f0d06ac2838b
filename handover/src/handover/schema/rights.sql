-- The rights that each role lacks, and whether it could get them as a member of the owner.
SELECT r.rolname AS role, n.nspname AS "schema", c.relname AS "table",
       ARRAY(SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p
              WHERE NOT has_table_privilege(r.oid, c.oid, p)) AS missing,
       NOT has_schema_privilege(r.oid, n.oid, 'USAGE') AS no_schema,
       pg_has_role(r.oid, c.relowner, 'MEMBER') AS owns,
       -- Of defaults; an identity column needs no right to its sequence.
       coalesce((SELECT array_agg(format('%%I.%%I', sn.nspname, s.relname) ORDER BY sn.nspname, s.relname)
                   FROM pg_attrdef v
                   JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = v.oid
                                   AND d.refclassid = 'pg_class'::regclass
                   JOIN pg_sequence q ON q.seqrelid = d.refobjid
                   JOIN pg_class s ON s.oid = q.seqrelid
                   JOIN pg_namespace sn ON sn.oid = s.relnamespace
                  WHERE v.adrelid = c.oid AND NOT has_sequence_privilege(r.oid, q.seqrelid, 'USAGE, UPDATE')), '{}') AS sequences
  FROM pg_roles r CROSS JOIN pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE r.rolname = ANY(%(roles)s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
