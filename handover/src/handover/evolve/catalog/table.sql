SELECT c.oid, c.relkind::text AS kind, c.relpersistence::text AS persistence, c.relispartition AS is_partition,
       EXISTS (SELECT FROM pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent)) AS inherits,
       c.relreplident::text AS replica_identity, pg_get_userbyid(c.relowner)::text AS owner,
       EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid) AS rewritten,
       EXISTS (SELECT FROM pg_subscription_rel s WHERE s.srrelid = c.oid) AS subscribed,
       row_security_active(c.oid) AS rows_hidden,
       has_schema_privilege(c.relowner, c.relnamespace, 'CREATE') AND has_schema_privilege(c.relowner, c.relnamespace, 'USAGE')
         AS owner_creates,
       -- From PostgreSQL 16 on, a member may lack the owner's rights, or may not act as the owner.
       pg_has_role(c.relowner, 'USAGE')
         AND pg_has_role(c.relowner, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
         AS is_owner,
       current_user::text AS reader, has_schema_privilege(c.relnamespace, 'USAGE') AS reader_uses,
       format('GRANT %%I TO %%I', pg_get_userbyid(c.relowner), current_user)
         || CASE WHEN current_setting('server_version_num')::int >= 160000 THEN ' WITH INHERIT TRUE, SET TRUE' ELSE '' END
         AS grant_owner,
       ARRAY(SELECT p.pubname::text FROM pg_publication p JOIN pg_publication_tables t USING (pubname)
              WHERE t.schemaname = n.nspname AND t.tablename = c.relname ORDER BY 1) AS publications,
       ARRAY(SELECT ARRAY[CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee)::text END,
                          a.privilege_type, CASE WHEN a.is_grantable THEN 'grantable' ELSE '' END]
               FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner ORDER BY 1) AS rights
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = %(schema)s AND c.relname = %(table)s
