INSERT INTO api_keys (id, digest, prefix, label, user_id, created, expires, last_used, revoked)
VALUES ('key_3', 'd3', 'sk-fffff', 'limited', 'usr_1', 1700000004, NULL, NULL, NULL);
INSERT INTO key_scopes (key_id, scopes, trusted)
VALUES ('key_3', '{"agents":["helper"],"networks":["192.0.2.0/24"]}', 0), ('key_1', '{}', 1);
