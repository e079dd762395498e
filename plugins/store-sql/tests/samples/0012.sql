INSERT INTO responses (id, user_id, key_id, dialect, model, agent, endpoint, served, domain, upstream, status, background,
    created, expires, beat, previous_id, conversation_id, place, input, reply) VALUES ('resp_1', 'usr_1', '', 'open-responses', 'gpt-4', '', 'openAI', 'gpt-4', 'openAI', 1, 'completed', 0,
    1700000001, 1702592001, NULL, '', '', 0, '[]', '{}');
INSERT INTO responses (id, user_id, key_id, dialect, model, agent, endpoint, served, domain, upstream, status, background,
    created, expires, beat, previous_id, conversation_id, place, input, reply) VALUES ('resp_2', 'usr_2', 'key_1', 'open-responses', 'agent_poet', 'agent_poet', '', '', '', 0, 'in_progress', 1,
    1700000002.5, 1702592002, 1700000003, 'resp_1', 'conv_1', 1, '[]', '{}');
INSERT INTO response_frames VALUES ('resp_2', 0, 'event: response.created');
INSERT INTO conversations VALUES ('conv_1', 'usr_2', 'key_1', 1700000001, 1702592001, '{"topic":"verse"}', 1);
INSERT INTO conversation_items VALUES ('conv_1', 0, 'msg_1', '{"id":"msg_1"}');
