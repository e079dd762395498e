"""errors: the tree, its statuses, and what an upstream's refusal may tell."""

import pytest

from gateway import errors


def subclasses(kind):
    return {kind, *(found for sub in kind.__subclasses__() for found in subclasses(sub))}


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.BadCall, 400),
        (errors.Unauthenticated, 401),
        (errors.QuotaExceeded, 402),
        (errors.Forbidden, 403),
        (errors.UnknownModel, 404),
        (errors.NotFound, 404),
        (errors.SlowBody, 408),
        (errors.Conflict, 409),
        (errors.TooLarge, 413),
        (errors.Unsupported, 422),
        (errors.RateLimited, 429),
        (errors.InternalFault, 500),
        (errors.UpstreamUnreachable, 502),
        (errors.UpstreamBroken, 502),
        (errors.Unavailable, 503),
        (errors.UpstreamTimeout, 504),
    ],
)
def test_each_error_has_its_status_and_says_only_what_is_public(kind, status):
    error = kind("Public.", code="a_code", param="model", retry_after=2.5)
    assert (error.status, error.public, str(error)) == (status, "Public.", "Public.")
    assert (error.code, error.param, error.retry_after) == ("a_code", "model", 2.5)
    assert kind("x").code == kind.code, "one error's code must not become another's"


def test_a_wrong_method_names_those_that_are_right():
    error = errors.WrongMethod("Only POST.", ("POST",))
    assert (error.status, error.allowed) == (405, ("POST",))


def test_every_error_of_the_tree_is_in_the_docstring():
    for kind in subclasses(errors.GatewayError) | subclasses(errors.StartupError):
        assert kind.__name__ in errors.__doc__ or not kind.__module__.startswith("gateway.")


def test_what_stops_the_start_never_becomes_http():
    for kind in subclasses(errors.StartupError):
        assert not issubclass(kind, errors.GatewayError)
        assert not hasattr(kind, "status")


@pytest.mark.parametrize("status", [400, 404, 409, 413, 418, 422, 429, 500, 503, 529])
def test_an_upstreams_refusal_keeps_its_status_and_words(status):
    error = errors.UpstreamRefused("No.", status, body=b"{}", content_type="application/json", retry_after=3)
    assert (error.status, error.upstream_status, error.public) == (status, status, "No.")
    assert (error.body, error.content_type, error.retry_after) == (b"{}", "application/json", 3)


@pytest.mark.parametrize("status", [401, 403])
def test_an_upstream_that_refuses_our_credentials_is_our_fault_and_not_quoted(status):
    error = errors.UpstreamRefused("Incorrect key sk-canary", status, body=b"sk-canary", code="invalid_api_key")
    assert (error.status, error.upstream_status, error.body) == (502, status, b"")
    assert "sk-canary" not in error.public + str(error) + repr(error.args)
    assert error.code == "upstream_credentials_refused"


def test_an_upstream_status_that_is_no_error_is_a_bad_gateway():
    assert errors.UpstreamRefused("Moved.", 302).status == 502


def test_upstream_errors_have_a_family_to_count_them_by():
    families = {kind.family for kind in subclasses(errors.UpstreamError)}
    assert families == {"broken", "refused", "unreachable", "timeout"}
