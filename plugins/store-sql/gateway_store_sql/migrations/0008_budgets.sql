-- Budgets that are set while the gateway runs. name: `key:key_1/day`; subject `*` for each of a kind. amount: nano-USD. anchor: epoch seconds.
CREATE TABLE budgets (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    amount BIGINT NOT NULL,
    units BIGINT NOT NULL,
    unit TEXT NOT NULL,
    zone TEXT NOT NULL,
    anchor DOUBLE PRECISION,
    soft BIGINT NOT NULL
);

-- Of budgets' accounts. closed: what was spent when the window began, which is `refilled`; the newest `window` of the journal has it as `asked`.
-- soft: 1 where the account is given what it lacks.
ALTER TABLE accounts ADD COLUMN closed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN soft BIGINT NOT NULL DEFAULT 0;
