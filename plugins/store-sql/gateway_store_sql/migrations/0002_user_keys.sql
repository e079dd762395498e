-- sealed: encrypted by the gateway before it comes here. expires: epoch seconds.
CREATE TABLE user_keys (
    user_id TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    expires DOUBLE PRECISION,
    PRIMARY KEY (user_id, endpoint)
);
CREATE INDEX user_keys_by_end ON user_keys (expires);
