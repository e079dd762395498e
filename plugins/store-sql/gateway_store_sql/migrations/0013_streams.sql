-- Streams that may be taken up again. key_id: of a key with scopes. beat: when whoever runs it said last that it does. heard: when anybody followed it.
CREATE TABLE streams (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    model TEXT NOT NULL,
    agent TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    media TEXT NOT NULL,
    status TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    expires DOUBLE PRECISION NOT NULL,
    beat DOUBLE PRECISION NOT NULL,
    heard DOUBLE PRECISION NOT NULL
);
CREATE INDEX streams_by_user ON streams (user_id);
CREATE INDEX streams_by_end ON streams (expires);

-- What the client of a stream is told, by number.
CREATE TABLE stream_frames (
    stream_id TEXT NOT NULL REFERENCES streams (id),
    number BIGINT NOT NULL,
    frame BYTEA NOT NULL,
    PRIMARY KEY (stream_id, number)
);
