-- What the original deletes then.
DELETE FROM choreography_tasks WHERE user_id = (SELECT id FROM users WHERE username = 'leo');
DELETE FROM users WHERE username = 'leo';
