-- Every fact of SCHEMA.md as the database has it: the section it belongs to, and the line as written there.
WITH relation AS (
    SELECT oid, relname AS name
    FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
), fact (section, position, line) AS (
    SELECT name, 0, format(
        '| %s | `%s` | %s | %s | %s |',
        row_number() OVER (PARTITION BY relation.oid ORDER BY attnum),
        attname,
        format_type(atttypid, atttypmod),
        CASE WHEN attnotnull THEN 'NOT NULL' ELSE 'NULL' END,
        CASE attidentity
            WHEN 'd' THEN 'identity by default'
            WHEN 'a' THEN 'identity always'
            ELSE coalesce(pg_get_expr(adbin, adrelid), '—')
        END
    )
    FROM relation
    JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
    LEFT JOIN pg_attrdef ON adrelid = relation.oid AND adnum = attnum
  UNION ALL
    -- PostgreSQL 18 lists NOT NULL as constraints too (n); the columns state them already.
    SELECT name, 0, format('| `%s` | %s | %s |', conname, kind, pg_get_constraintdef(pg_constraint.oid))
    FROM relation
    JOIN pg_constraint ON conrelid = relation.oid
    JOIN (VALUES ('p', 'primary key'), ('u', 'unique'), ('f', 'foreign key'), ('c', 'check'),
                 ('x', 'exclusion'), ('t', 'trigger')) AS named (letter, kind) ON letter = contype::text
  UNION ALL
    SELECT tablename, 0, format(
        '| `%s` | %s |', indexname, replace(replace(indexdef, 'CREATE ', ''), ' ON public.', ' ON ')
    )
    FROM pg_indexes
    WHERE schemaname = 'public'
  UNION ALL
    SELECT 'sequences', 0, format('`%s` (%s)', sequencename, data_type)
    FROM pg_sequences
    WHERE schemaname = 'public'
  UNION ALL
    SELECT 'django_migrations after migrate (in order)', row_number() OVER (ORDER BY id), format('`%s.%s`', app, name)
    FROM django_migrations
  UNION ALL
    SELECT 'django_content_type (id order)', row_number() OVER (ORDER BY id), format('%s.%s', app_label, model)
    FROM django_content_type
)
SELECT section, line
FROM fact
ORDER BY section COLLATE "C", position, line COLLATE "C"
