-- The share's row is the only one that is waited for, and it comes first: so a like is part of no deadlock. A
-- choreography or an account that is being deleted at this moment is locked; it counts as gone.
WITH share AS MATERIALIZED (
    SELECT choreography_id, user_id, likes FROM shares
    WHERE choreography_id = %(choreography_id)s::uuid AND public_since IS NOT NULL
    FOR NO KEY UPDATE
), choreography AS MATERIALIZED (
    SELECT id FROM saved_choreographies
    WHERE id = (SELECT choreography_id FROM share)
      AND user_id = (SELECT users.id FROM users JOIN share ON share.user_id = users.id WHERE users.is_active)
    FOR KEY SHARE SKIP LOCKED
), liker AS MATERIALIZED (
    SELECT id FROM users
    WHERE id = %(user_id)s AND EXISTS (SELECT FROM choreography)
    FOR KEY SHARE SKIP LOCKED
), added AS (
    INSERT INTO likes (choreography_id, user_id)
    SELECT choreography.id, liker.id FROM choreography, liker
    WHERE %(likes)s
    ON CONFLICT DO NOTHING
    RETURNING 1
), removed AS (
    DELETE FROM likes USING choreography, liker
    WHERE likes.choreography_id = choreography.id AND likes.user_id = liker.id AND NOT %(likes)s
    RETURNING 1
)
-- A trigger counts what was added and removed, after this statement; the row is locked, so the sum is the same.
SELECT share.likes + (SELECT count(*) FROM added) - (SELECT count(*) FROM removed)
FROM share, choreography, liker
