-- disabled, deleted: epoch seconds. A deleted user's row stays for its revoked keys, with nothing personal in it.
ALTER TABLE users ADD COLUMN disabled DOUBLE PRECISION;
ALTER TABLE users ADD COLUMN deleted DOUBLE PRECISION;

-- remote_agents: JSON, as in RemotePermissions.
CREATE TABLE roles (
    name TEXT PRIMARY KEY,
    remote_agents TEXT NOT NULL
);

CREATE TABLE user_groups (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL
);

CREATE TABLE identities (
    provider TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    PRIMARY KEY (provider, subject)
);
CREATE INDEX identities_by_user ON identities (user_id);

-- document: JSON, as in Agent. Its author may be nobody of ours any more.
CREATE TABLE agents (
    id TEXT PRIMARY KEY,
    document TEXT NOT NULL
);

CREATE TABLE access_grants (
    resource TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    principal TEXT NOT NULL,
    principal_id TEXT NOT NULL,
    bits BIGINT NOT NULL,
    granted_by TEXT NOT NULL,
    granted DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (resource, resource_id, principal, principal_id)
);
CREATE INDEX access_grants_by_principal ON access_grants (principal, principal_id);
