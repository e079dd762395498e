-- used: when something last happened to an account, epoch seconds; 0 where that is not known. An account that is closed has no row any more:
-- by a movement `close`, whose `asked` is what it had spent, that stands with the account `closed:budget` since, and all its parts are zero.
ALTER TABLE accounts ADD COLUMN used DOUBLE PRECISION NOT NULL DEFAULT 0;
