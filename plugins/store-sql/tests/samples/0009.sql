UPDATE api_keys SET own = 1;
