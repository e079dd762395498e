INSERT INTO user_keys (user_id, endpoint, sealed, expires) VALUES ('usr_1', 'Open Router', 'sealed', NULL);
