UPDATE users SET disabled = 1700000010.5 WHERE id = 'usr_2';
INSERT INTO users (id, name, email, role, team_names, created, disabled, deleted)
VALUES ('usr_3', 'usr_3', '', '', '[]', 1700000001, 1700000012.5, 1700000012.5);
INSERT INTO api_keys (id, digest, prefix, label, user_id, created, expires, last_used, revoked)
VALUES ('key_4', 'd4', 'sk-ggggg', '', 'usr_3', 1700000004, NULL, NULL, 1700000012.5);
INSERT INTO key_scopes (key_id, scopes, trusted) VALUES ('key_4', '{"agents":["helper"]}', 0);
INSERT INTO roles (name, remote_agents) VALUES ('USER', '{"use":true}'), ('Gäste', '{}');
INSERT INTO user_groups (id, name, description, created) VALUES ('grp_1', 'ops', 'Betrieb', 1700000005);
INSERT INTO identities (provider, subject, user_id) VALUES ('librechat', '65f0c0ffee', 'usr_1');
INSERT INTO agents (id, document)
VALUES ('agent_1', '{"id":"agent_1","name":"Helfer","provider":"openAI","model":"gpt-4o","author":"usr_1","extra":{"category":"general"}}');
INSERT INTO access_grants (resource, resource_id, principal, principal_id, bits, granted_by, granted)
VALUES ('remoteAgent', 'agent_1', 'user', 'usr_1', 15, 'usr_1', 1700000006), ('remoteAgent', 'agent_1', 'public', '', 1, 'usr_1', 1700000007);
INSERT INTO revisions (name, revision) VALUES ('agents', 3);
