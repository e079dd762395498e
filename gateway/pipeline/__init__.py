"""Pipeline: the journey of a request. Read `handle` first."""
