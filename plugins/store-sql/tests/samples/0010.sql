UPDATE accounts SET used = 1700000000.5;
