import pytest

from gateway import Address


@pytest.mark.parametrize(
    ("base", "path", "query", "url"),
    [
        ("http://h:1/v1", "/chat/completions", {}, "http://h:1/v1/chat/completions"),
        ("http://h:1/v1/", "/chat/completions", {}, "http://h:1/v1/chat/completions"),
        ("http://h", "/models", {}, "http://h/models"),
        ("https://h/openai?api-version=1", "/x", {"a": "b c"}, "https://h/openai/x?api-version=1&a=b+c"),
        (" https://h/v1#part ", "/x", {"a": "1"}, "https://h/v1/x?a=1"),
        ("http://[::1]:8080/v1", "/x", {}, "http://[::1]:8080/v1/x"),
    ],
)
def test_paths_go_below_the_base_and_its_query_is_kept(base, path, query, url):
    assert Address(base).url(path, query) == url


@pytest.mark.parametrize("base", ["", "h/v1", "ftp://h", "http://", "http://h:port/v1", "http://h/a b", "http://[::1"])
def test_what_is_no_http_url_is_refused(base):
    with pytest.raises(ValueError, match=r"\S"):
        Address(base)


@pytest.mark.parametrize(
    "base",
    [
        "https://user:canary@h/v1",
        "https://canary@h",
        "https://h.example\\@evil.example",
        f"https://{'a' * 64}.example",
        "https://a..example",
        "https://.example",
    ],
)
def test_a_host_that_is_not_what_it_seems_or_none_is_refused_and_not_repeated(base):
    with pytest.raises(ValueError, match=r"user name|host's name") as caught:
        Address(base)
    assert "canary" not in str(caught.value)


def test_a_url_may_be_used_as_it_stands():
    assert Address("https://h/v1/complete/?x=1").verbatim == "https://h/v1/complete/?x=1"


def test_its_origin_has_no_path():
    assert Address("http://h:1/v1/chat?x=1").origin == "http://h:1"
