ALTER TABLE settlements DROP COLUMN agent;
