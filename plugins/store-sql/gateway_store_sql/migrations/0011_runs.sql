-- The exchange that asked, where no client did: an agent's turns.
ALTER TABLE exchanges ADD COLUMN parent TEXT NOT NULL DEFAULT '';

-- What a client was not told of its conversation. payload: messages, as JSON.
CREATE TABLE kept_turns (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    payload BYTEA NOT NULL,
    expires DOUBLE PRECISION NOT NULL
);
CREATE INDEX kept_turns_by_end ON kept_turns (expires);

-- Agents' runs that made calls that may change something. until: whoever runs one renews that while it lives.
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    agent TEXT NOT NULL,
    request_id TEXT NOT NULL,
    began DOUBLE PRECISION NOT NULL,
    state TEXT NOT NULL,
    ended DOUBLE PRECISION,
    error TEXT NOT NULL,
    until DOUBLE PRECISION NOT NULL
);
CREATE INDEX runs_by_user ON runs (user_id, began);
CREATE INDEX runs_by_beginning ON runs (began);

CREATE TABLE run_calls (
    run_id TEXT NOT NULL REFERENCES runs (id),
    id TEXT NOT NULL,
    tool TEXT NOT NULL,
    made DOUBLE PRECISION NOT NULL,
    state TEXT NOT NULL,
    answered DOUBLE PRECISION,
    PRIMARY KEY (run_id, id)
);
