-- The first record of a file stands: a second one changes nothing, also when both are written at the same moment.
-- The lock keeps a user from being deleted between this look and the commit; one who is gone owns nothing.
WITH living AS (
    SELECT id FROM users WHERE id = ANY(%(users)s::bigint[]) FOR KEY SHARE
)
INSERT INTO file_owners (name, user_id, how)
SELECT wanted.name, living.id, CASE WHEN living.id IS NULL THEN 'unclaimed' ELSE wanted.how END
FROM unnest(%(names)s::text[], %(users)s::bigint[], %(hows)s::text[]) AS wanted (name, user_id, how)
LEFT JOIN living ON living.id = wanted.user_id
ORDER BY wanted.name  -- always in the same order, so that two writers of several names never wait for each other
ON CONFLICT (name) DO NOTHING
