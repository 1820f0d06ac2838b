-- What a role may still do with a table after REVOKE ALL by the table's owner, and what makes that REVOKE fail.
WITH granted AS (
    SELECT oid AS relation, one.grantor, one.grantee
      FROM pg_class CROSS JOIN aclexplode(coalesce(relacl, acldefault('r', relowner))) AS one
    UNION
    SELECT attrelid, one.grantor, one.grantee FROM pg_attribute CROSS JOIN aclexplode(attacl) AS one WHERE NOT attisdropped
)
SELECT DISTINCT role.rolname::text, format('%%s.%%I', relation.relnamespace::regnamespace, relation.relname), found.how
  FROM pg_roles role
  JOIN pg_class relation ON relation.oid = ANY(SELECT to_regclass(name)::oid FROM unnest(%(tables)s::text[]) AS name)
 CROSS JOIN LATERAL (
        SELECT 'it is a superuser' AS how WHERE role.rolsuper
        UNION ALL
        SELECT 'it owns the table' WHERE relation.relowner = role.oid
        UNION ALL
        SELECT format('it is a member of %%I, which owns the table', pg_get_userbyid(relation.relowner))
         WHERE relation.relowner <> role.oid AND pg_has_role(role.oid, relation.relowner, 'MEMBER')
        UNION ALL
        SELECT format('it is a member of %%I', general.rolname) FROM pg_roles general
         WHERE general.rolname IN ('pg_read_all_data', 'pg_write_all_data') AND pg_has_role(role.oid, general.oid, 'MEMBER')
        UNION ALL
        SELECT CASE WHEN granted.grantee = 0 THEN 'PUBLIC has it'
                    WHEN granted.grantee <> role.oid THEN format('it is a member of %%s', granted.grantee::regrole)
                    ELSE format('%%s granted it, who does not own the table', granted.grantor::regrole) END
          FROM granted
         WHERE granted.relation = relation.oid AND granted.grantee <> relation.relowner
           AND CASE WHEN granted.grantee = 0 THEN true
                    WHEN granted.grantee <> role.oid THEN pg_has_role(role.oid, granted.grantee, 'MEMBER')
                    ELSE granted.grantor <> relation.relowner END
        UNION ALL
        SELECT format('it granted rights to %%s', CASE granted.grantee WHEN 0 THEN 'PUBLIC' ELSE granted.grantee::regrole::text END)
          FROM granted
         WHERE granted.relation = relation.oid AND granted.grantor = role.oid AND relation.relowner <> role.oid
      ) AS found
 WHERE role.rolname = ANY(%(roles)s) AND (NOT role.rolsuper OR found.how = 'it is a superuser')
 ORDER BY 1, 2, 3
