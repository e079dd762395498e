-- 1 where the key's user has chosen its label, which stands for nothing in the configuration then. Of those made before nobody knows.
ALTER TABLE api_keys ADD COLUMN own BIGINT NOT NULL DEFAULT 0;
