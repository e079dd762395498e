-- Whether an exchange did nothing but ask others, which have records of their own: totals count those.
ALTER TABLE exchanges ADD COLUMN delegated BIGINT NOT NULL DEFAULT 0;

-- Of runs in the background. term: how often a process took it up; tries: since its last step. asked: sealed, what another process
-- needs to go on with it.
ALTER TABLE responses ADD COLUMN term BIGINT NOT NULL DEFAULT 0;
ALTER TABLE responses ADD COLUMN tries BIGINT NOT NULL DEFAULT 0;
ALTER TABLE responses ADD COLUMN asked BYTEA;

-- What a run has come to, in order. told: the number of the last frame before it. safe: 1 where the run may be taken up from there.
CREATE TABLE response_steps (
    response_id TEXT NOT NULL REFERENCES responses (id),
    number BIGINT NOT NULL,
    told BIGINT NOT NULL,
    step BYTEA NOT NULL,
    safe BIGINT NOT NULL,
    PRIMARY KEY (response_id, number)
);
