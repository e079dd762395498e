DROP TABLE budgets;
DELETE FROM revisions WHERE name = 'budgets';
ALTER TABLE accounts DROP COLUMN soft;
ALTER TABLE accounts DROP COLUMN closed;
