CREATE TABLE users (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    team_names TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL
);
CREATE INDEX users_by_email ON users (email);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    prefix TEXT NOT NULL,
    label TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    created DOUBLE PRECISION NOT NULL,
    expires DOUBLE PRECISION,
    last_used DOUBLE PRECISION,
    revoked DOUBLE PRECISION
);
CREATE INDEX api_keys_by_user ON api_keys (user_id);

CREATE TABLE revisions (
    name TEXT PRIMARY KEY,
    revision BIGINT NOT NULL
);
INSERT INTO revisions (name, revision) VALUES ('keys', 1);

-- quarter: the quarter of an hour since the epoch. No zone has had an offset finer than that since 1980,
-- so sums over quarters become days of any zone. loss, attempts: JSON arrays, as in UsageRecord.
-- Ids sort by time, so both indexes grow at their ends.
CREATE TABLE exchanges (
    id TEXT PRIMARY KEY,
    started DOUBLE PRECISION NOT NULL,
    quarter BIGINT NOT NULL,
    duration DOUBLE PRECISION NOT NULL,
    first_byte DOUBLE PRECISION,
    status BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    operation TEXT NOT NULL,
    dialect TEXT NOT NULL,
    user_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    key_label TEXT NOT NULL,
    agent TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    model_asked TEXT NOT NULL,
    model_served TEXT NOT NULL,
    upstream_dialect TEXT NOT NULL,
    stream BIGINT NOT NULL,
    error TEXT NOT NULL,
    request_id TEXT NOT NULL,
    peer TEXT NOT NULL,
    loss TEXT NOT NULL,
    attempts TEXT NOT NULL,
    input BIGINT,
    cache_read BIGINT,
    cache_write_5m BIGINT,
    cache_write_1h BIGINT,
    output BIGINT,
    reasoning BIGINT,
    audio_input BIGINT,
    audio_output BIGINT,
    estimated BIGINT NOT NULL
);
CREATE INDEX exchanges_by_time ON exchanges (started);
