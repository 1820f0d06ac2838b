SELECT a.attname::text AS name, a.attnum AS number, format_type(a.atttypid, a.atttypmod) AS type,
       format_type(a.atttypid, NULL) AS base_type, tn.nspname = 'pg_catalog' AS built_in,
       a.attnotnull AS not_null,
       -- From PostgreSQL 18 on, NOT NULL has a name.
       (SELECT k.conname::text FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'n'
           AND k.conkey = ARRAY[a.attnum]) AS not_null_name, CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS "default",
       a.attidentity::text AS identity, a.attgenerated::text AS generated,
       CASE WHEN a.attcollation <> t.typcollation THEN format('%%I.%%I', cn.nspname, o.collname) END AS collation,
       col_description(a.attrelid, a.attnum) AS comment,
       nullif(a.attstattarget::integer, -1) AS statistics, coalesce(a.attoptions, '{}')::text[] AS options,
       (SELECT ARRAY[sn.nspname::text, s.relname::text, format_type(q.seqtypid, NULL), q.seqstart::text,
                     q.seqincrement::text, q.seqmin::text, q.seqmax::text, q.seqcache::text, q.seqcycle::text]
          FROM pg_depend p
          JOIN pg_class s ON s.oid = p.objid AND s.relkind = 'S'
          JOIN pg_namespace sn ON sn.oid = s.relnamespace
          JOIN pg_sequence q ON q.seqrelid = s.oid
         WHERE p.classid = 'pg_class'::regclass AND p.refclassid = 'pg_class'::regclass AND p.refobjid = a.attrelid
           AND p.refobjsubid = a.attnum AND p.deptype IN ('a', 'i')) AS sequence,
       (SELECT array_agg(ARRAY[CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee)::text END,
                               x.privilege_type, CASE WHEN x.is_grantable THEN 'grantable' ELSE '' END])
          FROM pg_depend p JOIN pg_class s ON s.oid = p.objid AND s.relkind = 'S', aclexplode(s.relacl) x
         WHERE p.classid = 'pg_class'::regclass AND p.refclassid = 'pg_class'::regclass AND p.refobjid = a.attrelid
           AND p.refobjsubid = a.attnum AND p.deptype IN ('a', 'i') AND x.grantee <> s.relowner) AS sequence_rights,
       ARRAY(SELECT ARRAY[CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee)::text END,
                          x.privilege_type, CASE WHEN x.is_grantable THEN 'grantable' ELSE '' END]
               FROM aclexplode(a.attacl) x ORDER BY 1) AS rights
  FROM pg_attribute a
  JOIN pg_type t ON t.oid = a.atttypid
  JOIN pg_namespace tn ON tn.oid = t.typnamespace
  LEFT JOIN pg_collation o ON o.oid = a.attcollation
  LEFT JOIN pg_namespace cn ON cn.oid = o.collnamespace
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE a.attrelid = %(oid)s AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum
