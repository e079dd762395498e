-- What clients come back to. key_id: of a key with scopes. upstream, background: 0 or 1. beat: when whoever runs it said last that it does.
-- place: how many items its conversation had before. input: a JSON array. reply: a JSON object.
CREATE TABLE responses (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    dialect TEXT NOT NULL,
    model TEXT NOT NULL,
    agent TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    served TEXT NOT NULL,
    domain TEXT NOT NULL,
    upstream BIGINT NOT NULL,
    status TEXT NOT NULL,
    background BIGINT NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    expires DOUBLE PRECISION NOT NULL,
    beat DOUBLE PRECISION,
    previous_id TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    place BIGINT NOT NULL,
    input BYTEA NOT NULL,
    reply BYTEA NOT NULL
);
CREATE INDEX responses_by_user ON responses (user_id);
CREATE INDEX responses_by_end ON responses (expires);
CREATE INDEX responses_by_beat ON responses (beat);
CREATE INDEX responses_by_conversation ON responses (conversation_id);

-- What the client of a run is told, by number.
CREATE TABLE response_frames (
    response_id TEXT NOT NULL REFERENCES responses (id),
    number BIGINT NOT NULL,
    frame BYTEA NOT NULL,
    PRIMARY KEY (response_id, number)
);

-- metadata: a JSON object. next_place: of the item that comes next.
CREATE TABLE conversations (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    expires DOUBLE PRECISION NOT NULL,
    metadata TEXT NOT NULL,
    next_place BIGINT NOT NULL
);
CREATE INDEX conversations_by_user ON conversations (user_id);
CREATE INDEX conversations_by_end ON conversations (expires);

CREATE TABLE conversation_items (
    conversation_id TEXT NOT NULL REFERENCES conversations (id),
    place BIGINT NOT NULL,
    id TEXT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (conversation_id, place)
);
