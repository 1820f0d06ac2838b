-- Every row that names a file. The tables are the shared ones; either system writes them.
SELECT name, user_id, created_at, task_id
FROM (
    SELECT video_path AS name, user_id, created_at, NULL AS task_id FROM saved_choreographies
    UNION ALL
    SELECT thumbnail_path, user_id, created_at, NULL FROM saved_choreographies
    UNION ALL
    SELECT result ->> 'video_path', user_id, created_at, task_id::text FROM choreography_tasks
) AS named
WHERE name <> ''
  AND (%(user_id)s::bigint IS NULL OR user_id = %(user_id)s::bigint)
  -- A spelling of a file has its base name between slashes, at the end or not: a/v.mp4, /m/a//v.mp4, a/v.mp4/.
  AND (%(bases)s::text[] IS NULL OR string_to_array(name, '/') && %(bases)s::text[])
