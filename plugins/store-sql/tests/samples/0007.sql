INSERT INTO logins (user_id, password, name, username, verified, changed, terms, totp, two_factor, totp_step)
VALUES ('usr_1', '$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaA', 'Ann Öhman', 'ann', 1, 1700000005, NULL, 'sealed', 1, 56666667),
    ('usr_2', '$2b$10$abcdefghijklmnopqrstuv', '', '', 0, 0, 1700000006.5, NULL, 0, 0);
INSERT INTO backup_codes (user_id, digest, used) VALUES ('usr_1', 'c1', NULL), ('usr_1', 'c2', 1700000007);
INSERT INTO sessions (id, user_id, digest, expires, created, previous, rotated)
VALUES ('ses_1', 'usr_1', 's1', 1700604805, 1700000005, '', 0);
INSERT INTO login_tokens (user_id, purpose, digest, expires) VALUES ('usr_2', 'verify', 't1', 1700003600);
INSERT INTO tries (counter, count, ends) VALUES ('login 192.0.2.7', 3, 1700000300);
