import msgspec

from gateway import AllEndpoints, EndpointFields, Secret, Settings, endpoint_enabled, endpoint_headers


def settings(environ=None, shared=None):
    sections = {} if shared is None else {AllEndpoints: AllEndpoints(headers=shared)}
    return Settings(sections, environ or {}, frozenset())


def test_keys_are_spelt_as_librechat_spells_them():
    given = {"baseURL": "http://h", "titleConvo": True, "activityMaxPerRun": 3, "reasoningLabelUpdateIntervalMs": 0}
    fields = msgspec.convert(given, EndpointFields)
    assert (fields.base_url, fields.title_convo, fields.activity_max_per_run) == ("http://h", True, 3)


def test_headers_do_not_print():
    assert "hush" not in repr(EndpointFields(headers={"x-key": Secret("hush")}))


def test_an_endpoints_own_header_counts_before_that_of_all():
    merged = endpoint_headers(
        settings(shared={"X-Team": Secret("all"), "X-More": Secret("more")}), {"x-team": Secret("own")}
    )
    assert {name: value.reveal() for name, value in merged.items()} == {"x-team": "own", "x-more": "more"}


def test_endpoints_variable_leaves_out_built_in_endpoints_that_it_does_not_name():
    assert endpoint_enabled(settings(), "openAI")
    assert endpoint_enabled(settings({"ENDPOINTS": "agents, openAI"}), "openAI")
    assert not endpoint_enabled(settings({"ENDPOINTS": "agents,google"}), "openAI")
