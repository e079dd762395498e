DROP TABLE tries;
DROP TABLE login_tokens;
DROP TABLE sessions;
DROP TABLE backup_codes;
DROP TABLE logins;
