DROP TABLE settlements;
DROP TABLE holds;
DROP TABLE entries;
DROP TABLE movements;
DROP TABLE accounts;
