-- Amounts are nano-USD. The four parts of an account sum to zero: `granted` is what it was given, as a negative number.
-- opened, refilled: epoch seconds.
CREATE TABLE accounts (
    owner TEXT PRIMARY KEY,
    available BIGINT NOT NULL,
    held BIGINT NOT NULL,
    spent BIGINT NOT NULL,
    granted BIGINT NOT NULL,
    opened DOUBLE PRECISION NOT NULL,
    refilled DOUBLE PRECISION NOT NULL
);

-- The journal: rows of these two are never changed or deleted, and entries are written with their movement only. The entries of a movement sum to zero, and those of an
-- account's part are what stands in `accounts`. subject: an attempt, or the owner of an account that was given something.
-- asked: what a grant by hand was to be.
CREATE TABLE movements (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    asked BIGINT
);
CREATE TABLE entries (
    movement TEXT NOT NULL,
    owner TEXT NOT NULL,
    part TEXT NOT NULL,
    amount BIGINT NOT NULL
);

-- What is held now: never many. owners: a JSON array, the payer first. times: how often something was held. unsettled: what is to be
-- written of the attempt when the hold expires, as JSON.
CREATE TABLE holds (
    attempt TEXT PRIMARY KEY,
    owners TEXT NOT NULL,
    amount BIGINT NOT NULL,
    expires DOUBLE PRECISION NOT NULL,
    times BIGINT NOT NULL,
    unsettled TEXT NOT NULL
);

-- A row for each attempt that was settled; their ids sort by time. price: what was to be paid, rounded up from `exact`; cost: the same for what
-- the vendor asks, NULL where that is not known. taken: what the payer gave; taken_from: the same by owner, as JSON.
CREATE TABLE settlements (
    attempt TEXT PRIMARY KEY,
    at DOUBLE PRECISION NOT NULL,
    user_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    model TEXT NOT NULL,
    outcome TEXT NOT NULL,
    rule TEXT NOT NULL,
    price BIGINT NOT NULL,
    exact TEXT NOT NULL,
    source TEXT NOT NULL,
    version TEXT NOT NULL,
    cost BIGINT,
    cost_exact TEXT NOT NULL,
    cost_source TEXT NOT NULL,
    cost_version TEXT NOT NULL,
    taken BIGINT NOT NULL,
    taken_from TEXT NOT NULL,
    input BIGINT,
    cache_read BIGINT,
    cache_write_5m BIGINT,
    cache_write_1h BIGINT,
    output BIGINT,
    estimated BIGINT NOT NULL
);
