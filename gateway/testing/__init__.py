"""Fixtures and checks for plugin authors: golden and recorded exchanges, the conformance kit, endpoints, upstreams.

`golden`, `replay` and `endpoints` need nothing but the gateway, `recordings`, `stores` and `wall_clock` pytest,
`conformance` hypothesis too.
`fake_upstream` and `beside` are an upstream that answers by script; `running` a gateway in a process of its own;
`service_account` signs. Import the module you use; this one imports none.
"""
