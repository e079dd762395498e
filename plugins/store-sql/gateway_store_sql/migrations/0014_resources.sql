-- What users make beside agents: MCP servers, actions of agents. sealed: encrypted by the vault.
CREATE TABLE resources (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    agent TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    updated DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX resources_by_user ON resources (user_id);
CREATE INDEX resources_by_agent ON resources (agent);
