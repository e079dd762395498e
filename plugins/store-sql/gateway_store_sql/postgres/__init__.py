"""The store on PostgreSQL; imported only where `gateway.store.url` is set, for asyncpg is an extra."""
