"""Usage records in the store, and gateway usage."""
