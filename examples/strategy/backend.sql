-- What the backend writes once it is in: a song, a blueprint and tokens, on rows that the original then deletes.
INSERT INTO songs (title, uploaded_by_id) SELECT 'one', id FROM users WHERE username = 'leo';
UPDATE choreography_tasks SET song_id = (SELECT id FROM songs);
INSERT INTO choreography_blueprints (task_id, plan) SELECT task_id, '{}' FROM choreography_tasks;
INSERT INTO tokens_outstandingtoken (jti, token, expires_at, user_id) SELECT username, '', now(), id FROM users;
INSERT INTO tokens_blacklistedtoken (token_id, blacklisted_at) SELECT id, now() FROM tokens_outstandingtoken;
