UPDATE exchanges SET parent = 'ex0';
INSERT INTO kept_turns VALUES ('t1', 'usr_1', '[]', 4000000000.5);
INSERT INTO runs VALUES ('ex1', 'usr_1', 'agent_1', 'req', 1700000000.5, 'running', NULL, '', 1700000030);
INSERT INTO run_calls VALUES ('ex1', 'ex1_1', 'note', 1700000001.5, 'made', NULL);
