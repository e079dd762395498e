"""Fixtures and checks for plugin authors: golden exchanges, the conformance kit, a fake upstream.

`golden` and `replay` need nothing but msgspec; `conformance` needs pytest and hypothesis; `fake_upstream` aiohttp.
Import the module you use; this one imports none.
"""
