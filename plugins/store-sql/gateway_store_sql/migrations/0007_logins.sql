-- password: a hash. verified, two_factor: 0 or 1. changed: since when the password is. totp: sealed by the gateway.
-- totp_step: the last time step, of 30 seconds, of which a code was used.
CREATE TABLE logins (
    user_id TEXT PRIMARY KEY REFERENCES users (id),
    password TEXT NOT NULL,
    name TEXT NOT NULL,
    username TEXT NOT NULL,
    verified BIGINT NOT NULL,
    changed DOUBLE PRECISION NOT NULL,
    terms DOUBLE PRECISION,
    totp BYTEA,
    two_factor BIGINT NOT NULL,
    totp_step BIGINT NOT NULL
);

CREATE TABLE backup_codes (
    user_id TEXT NOT NULL REFERENCES users (id),
    digest TEXT NOT NULL,
    used DOUBLE PRECISION,
    PRIMARY KEY (user_id, digest)
);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    digest TEXT NOT NULL,
    expires DOUBLE PRECISION NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    previous TEXT NOT NULL,
    rotated DOUBLE PRECISION NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_end ON sessions (expires);

-- What goes out by mail. purpose: reset or verify.
CREATE TABLE login_tokens (
    user_id TEXT NOT NULL REFERENCES users (id),
    purpose TEXT NOT NULL,
    digest TEXT NOT NULL,
    expires DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (user_id, purpose)
);

-- How often something was tried in a window that ends.
CREATE TABLE tries (
    counter TEXT PRIMARY KEY,
    count BIGINT NOT NULL,
    ends DOUBLE PRECISION NOT NULL
);
CREATE INDEX tries_by_end ON tries (ends);
