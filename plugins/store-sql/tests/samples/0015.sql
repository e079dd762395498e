UPDATE responses SET term = 1, asked = 'sealed' WHERE id = 'resp_2';
INSERT INTO response_steps VALUES ('resp_2', 0, 0, '{"type":"begun"}', 1);
