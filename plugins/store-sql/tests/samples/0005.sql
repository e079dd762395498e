UPDATE settlements SET agent = 'agent_1' WHERE attempt = 'at_1';
