INSERT INTO users (id, name, email, role, team_names, created)
VALUES ('usr_1', 'Ann Ö.', 'ann@example.org', 'ADMIN', '["ops"]', 1700000000.25), ('usr_2', 'bob', '', 'USER', '[]', 1700000001);
INSERT INTO api_keys (id, digest, prefix, label, user_id, created, expires, last_used, revoked)
VALUES ('key_1', 'd1', 'sk-ddddd', 'laptop', 'usr_1', 1700000002, NULL, 1700000003.5, NULL),
    ('key_2', 'd2', 'sk-eeeee', '', 'usr_2', 1700000002, 1900000000, NULL, 1700000009);
UPDATE revisions SET revision = 5 WHERE name = 'keys';
INSERT INTO exchanges (id, started, quarter, duration, first_byte, status, outcome, operation, dialect, user_id, key_id,
    key_label, agent, endpoint, model_asked, model_served, upstream_dialect, stream, error, request_id, peer, loss,
    attempts, input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, audio_input, audio_output, estimated)
VALUES ('ex1', 1700000000.5, 1888888, 1.25, 0.5, 200, 'complete', 'generate', 'openai-chat', 'usr_1', 'key_1',
    'laptop', 'helper', 'backup', 'helper', 'gpt-4', 'open-responses', 1, '', 'req-1', '192.0.2.7', '["stop"]',
    '[{"id":"at1","endpoint":"backup","model":"gpt-4","dialect":"open-responses","outcome":"complete","status":200}]',
    1, 2, 3, NULL, 5, NULL, NULL, NULL, 0);
