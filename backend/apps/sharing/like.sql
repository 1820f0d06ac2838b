-- No row is written that others write too: a like waits for no other like, and is part of no deadlock. A choreography or
-- an account that is being deleted at this moment is locked; it counts as gone.
WITH choreography AS MATERIALIZED (
    SELECT kept.id, share.likes
    FROM saved_choreographies AS kept
    JOIN shares AS share ON share.choreography_id = kept.id AND share.user_id = kept.user_id
    JOIN users AS owner ON owner.id = kept.user_id AND owner.is_active
    WHERE kept.id = %(choreography_id)s::uuid AND share.public_since IS NOT NULL
    FOR KEY SHARE OF kept SKIP LOCKED
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
), waiting AS (
    SELECT coalesce(sum(change), 0) AS likes, count(*) AS rows
    FROM like_changes WHERE choreography_id = %(choreography_id)s::uuid
)
SELECT choreography.likes + waiting.likes + (SELECT count(*) FROM added) - (SELECT count(*) FROM removed), waiting.rows
FROM choreography, liker, waiting
