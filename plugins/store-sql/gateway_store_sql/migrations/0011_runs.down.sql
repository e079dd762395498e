DROP TABLE run_calls;
DROP TABLE runs;
DROP TABLE kept_turns;
ALTER TABLE exchanges DROP COLUMN parent;
