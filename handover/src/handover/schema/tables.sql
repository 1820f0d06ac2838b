SELECT n.nspname AS "schema", c.relname AS name, c.relkind::text AS kind, pg_get_userbyid(c.relowner) AS owner,
       c.reltuples::bigint AS rows, c.relpages::bigint * current_setting('block_size')::bigint AS bytes,
       c.relrowsecurity AS row_security, c.relhasrules AND c.relkind IN ('r', 'p') AS rewritten,
       ARRAY(SELECT concat(CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee)::text END, ': ',
                           string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type))
               FROM aclexplode(c.relacl) a GROUP BY a.grantee ORDER BY 1) AS grants
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
 ORDER BY 1, 2
