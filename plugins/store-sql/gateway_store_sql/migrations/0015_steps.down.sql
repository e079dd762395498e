DROP TABLE response_steps;
ALTER TABLE responses DROP COLUMN asked;
ALTER TABLE responses DROP COLUMN tries;
ALTER TABLE responses DROP COLUMN term;
ALTER TABLE exchanges DROP COLUMN delegated;
