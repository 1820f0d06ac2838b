-- Who makes the choreography private waits for this, or this waits for them: so no mark of others stays. The share's
-- row is the only one that is waited for; a choreography or an account that is being deleted counts as gone.
WITH share AS MATERIALIZED (
    SELECT shares.user_id FROM shares
    WHERE choreography_id = %(choreography_id)s::uuid AND public_since IS NOT NULL
    FOR KEY SHARE
), owner AS MATERIALIZED (
    SELECT users.id FROM users JOIN share ON share.user_id = users.id WHERE users.is_active
), choreography AS MATERIALIZED (
    SELECT id FROM saved_choreographies
    WHERE id = %(choreography_id)s::uuid AND (user_id = (SELECT id FROM owner) OR user_id = %(user_id)s)
    FOR KEY SHARE SKIP LOCKED
), marker AS MATERIALIZED (
    SELECT id FROM users
    WHERE id = %(user_id)s AND EXISTS (SELECT FROM choreography)
    FOR KEY SHARE SKIP LOCKED
), added AS (
    INSERT INTO favourites (choreography_id, user_id)
    SELECT choreography.id, marker.id FROM choreography, marker
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT (SELECT count(*) FROM added) FROM choreography, marker
