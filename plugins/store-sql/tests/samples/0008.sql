INSERT INTO budgets VALUES ('key:key_1/day', 'key', 'key_1', 5000000000, 1, 'days', 'Europe/Berlin', NULL, 0);
UPDATE accounts SET closed = 0, soft = 0;
INSERT INTO revisions (name, revision) VALUES ('budgets', 2);
