INSERT INTO resources VALUES ('mcpServer', 'files', 'usr_1', '', '', 1700000000.5, 1700000001.5);
