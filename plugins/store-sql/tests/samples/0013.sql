INSERT INTO streams VALUES ('ex_1', 'usr_1', '', 'agent_poet', 'agent_poet', 'openAI', 'text/event-stream', 'in_progress',
    1700000001, 1702592001, 1700000002.5, 1700000002);
INSERT INTO stream_frames VALUES ('ex_1', 0, 'id: 0');
