-- The agent that an attempt was made for, so that what it cost can be summed by agents. Those settled before have none.
ALTER TABLE settlements ADD COLUMN agent TEXT NOT NULL DEFAULT '';
