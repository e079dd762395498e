INSERT INTO accounts (owner, available, held, spent, granted, opened, refilled)
VALUES ('user:usr_1', 19900000, 60000, 40000, -20000000, 1700000000.0, 1700000000.5);
INSERT INTO movements (id, kind, subject, at, actor, reason, asked) VALUES
('start:user:usr_1', 'start', 'user:usr_1', 1700000000.0, 'gateway', '', NULL),
('hold:at_1:1', 'hold', 'at_1', 1700000001.0, 'gateway', '', NULL),
('settle:at_1', 'settle', 'at_1', 1700000002.0, 'gateway', '', NULL),
('hold:at_2:1', 'hold', 'at_2', 1700000003.0, 'gateway', '', NULL),
('grant:k', 'set', 'user:usr_1', 1700000004.0, 'command line', 'Grüße', 19900000);
INSERT INTO entries (movement, owner, part, amount) VALUES
('start:user:usr_1', 'user:usr_1', 'available', 20000000), ('start:user:usr_1', 'user:usr_1', 'granted', -20000000),
('hold:at_1:1', 'user:usr_1', 'available', -60000), ('hold:at_1:1', 'user:usr_1', 'held', 60000),
('settle:at_1', 'user:usr_1', 'held', -60000), ('settle:at_1', 'user:usr_1', 'spent', 40000),
('settle:at_1', 'user:usr_1', 'available', 20000),
('hold:at_2:1', 'user:usr_1', 'available', -60000), ('hold:at_2:1', 'user:usr_1', 'held', 60000);
INSERT INTO holds (attempt, owners, amount, expires, times, unsettled)
VALUES ('at_2', '["user:usr_1"]', 60000, 1700001803.5, 1, '{}');
INSERT INTO settlements (attempt, at, user_id, key_id, endpoint, model, outcome, rule, price, exact, source, version,
    cost, cost_exact, cost_source, cost_version, taken, taken_from,
    input, cache_read, cache_write_5m, cache_write_1h, output, estimated) VALUES
('at_1', 1700000002.25, 'usr_1', 'key_1', 'openAI', 'gpt-4o', 'complete', 'reported', 40000, '39999.5', 'tables', 'a1',
NULL, '', '', '', 40000, '{"user:usr_1": 40000}', 8, NULL, 0, NULL, 2, 0);
