SELECT n.nspname AS "schema", c.relname AS name, c.relkind::text AS kind, pg_get_userbyid(c.relowner) AS owner,
       c.reltuples::bigint AS rows, c.relpages::bigint * current_setting('block_size')::bigint AS bytes,
       c.relrowsecurity AS row_security, c.relhasrules AND c.relkind IN ('r', 'p') AS rewritten,
       c.relpersistence = 'u' AS unlogged,
       ARRAY(SELECT i.inhrelid::regclass::text FROM pg_inherits i
              WHERE i.inhparent = c.oid AND c.relkind <> 'p' ORDER BY 1) AS children,
       ARRAY(SELECT i.inhparent::regclass::text FROM pg_inherits i WHERE i.inhrelid = c.oid ORDER BY 1) AS parents,
       -- PostgreSQL 18 has NOT ENFORCED; in every version, disabled triggers have the same effect.
       ARRAY(SELECT f.conname::text FROM pg_constraint f
              WHERE f.conrelid = c.oid
                AND (to_jsonb(f) ->> 'conenforced' = 'false'
                     OR EXISTS (SELECT FROM pg_trigger t WHERE t.tgconstraint = f.oid AND t.tgenabled IN ('D', 'R')))
              ORDER BY 1) AS unenforced,
       (SELECT string_agg(p.pubname, ', ' ORDER BY p.pubname)
          FROM pg_publication p JOIN pg_publication_tables pt ON pt.pubname = p.pubname
         WHERE pt.schemaname = n.nspname AND pt.tablename = c.relname AND (p.pubupdate OR p.pubdelete)
           AND NOT CASE c.relreplident
                     WHEN 'f' THEN true
                     WHEN 'd' THEN EXISTS (SELECT FROM pg_index x WHERE x.indrelid = c.oid AND x.indisprimary)
                     WHEN 'i' THEN EXISTS (SELECT FROM pg_index x WHERE x.indrelid = c.oid AND x.indisreplident)
                     ELSE false END) AS unpublishable,
       ARRAY(SELECT concat(CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee)::text END, ': ',
                           string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type))
               FROM aclexplode(c.relacl) a GROUP BY a.grantee ORDER BY 1) AS grants
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
 ORDER BY 1, 2
