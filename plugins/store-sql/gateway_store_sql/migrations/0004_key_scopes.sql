-- Of keys that are limited or trusted; others have no row. scopes: JSON, as in Scopes.
CREATE TABLE key_scopes (
    key_id TEXT PRIMARY KEY REFERENCES api_keys (id),
    scopes TEXT NOT NULL,
    trusted BIGINT NOT NULL
);
