"""Keys that callers bring in a header, and the request that goes out with them."""

from gateway import HttpProvider
from gateway.testing.fake_upstream import FakeUpstream, json


class Asking(HttpProvider):
    """Wants its callers' own keys, and every request at another path."""

    endpoint, dialects, open = "far", ("toy",), True
    user_provides = ("apiKey",)

    def __init__(self, base):
        self.base = base
        self.user_key_names = {"THEIR_API_KEY": "apiKey"}

    def adapt(self, encoded, target):
        return type(encoded)("/adapted", encoded.body.replace(b"Hi", b"Ho"), headers={"x-model": target.model})

    def url(self, outgoing):
        return self.base + outgoing.encoded.path

    async def headers(self, outgoing):
        return {"x-their-key": outgoing.user_key.text("apiKey")}


async def called(start, ask, upstream, key):
    running = await start(Asking(upstream.url))
    headers = {} if key is None else {"x-gateway-upstream-key": key}
    async with running.client.post(running.url + "/v1/toy", data=ask("far/m"), headers=headers) as response:
        return response.status, await response.json()


async def test_a_key_comes_alone_or_as_json_under_either_name(start, ask):
    async with FakeUpstream() as upstream:
        upstream.answer("/adapted", json({"text": "Hello"}))
        for brought in ("k-1", '{"apiKey": "k-1"}', '{"THEIR_API_KEY": "k-1"}'):
            assert (await called(start, ask, upstream, brought))[0] == 200
        assert [arrived.headers["x-their-key"] for arrived in upstream.arrived] == ["k-1"] * 3


class EitherKey(Asking):
    """Takes a token or a pair; a bare key is the token."""

    user_provides = ("token", "name", "secret")

    def __init__(self, base):
        super().__init__(base)
        self.user_key_names = {"apiKey": "token"}

    def missing(self, key):
        return () if key.text("token") else [name for name in ("name", "secret") if not key.text(name)]

    async def headers(self, outgoing):
        return {"x-their-key": outgoing.user_key.text("token") or outgoing.user_key.text("secret")}


async def test_a_provider_says_what_is_missing_of_keys_that_can_stand_for_each_other(start, ask):
    async with FakeUpstream() as upstream:
        upstream.answer("/adapted", json({"text": "Hello"}))
        running = await start(EitherKey(upstream.url))
        for brought, status in (("t-1", 200), ('{"name": "n", "secret": "s-1"}', 200), ('{"name": "n"}', 400)):
            headers = {"x-gateway-upstream-key": brought}
            async with running.client.post(running.url + "/v1/toy", data=ask("far/m"), headers=headers) as response:
                assert response.status == status
                text = await response.text()
        assert "takes your own secret:" in text
        assert [arrived.headers["x-their-key"] for arrived in upstream.arrived] == ["t-1", "s-1"]


async def test_a_provider_may_adapt_what_its_dialect_wrote(start, ask):
    async with FakeUpstream() as upstream:
        upstream.answer("/adapted", json({"text": "Hello"}))
        await called(start, ask, upstream, "k-1")
        arrived = await upstream.arrival()
        assert (arrived.path, arrived.headers["x-model"]) == ("/adapted", "m")
        assert b"Ho" in arrived.body


async def test_without_a_key_the_caller_is_told_how_to_bring_one(start, ask):
    async with FakeUpstream() as upstream:
        status, body = await called(start, ask, upstream, None)
        assert (status, body["error"]["code"]) == (400, "no_user_key")
        assert "x-gateway-upstream-key" in body["error"]["text"]
        assert not upstream.arrived


async def test_what_the_upstream_says_of_the_callers_own_key_comes_through(start, ask):
    async with FakeUpstream() as upstream:
        upstream.answer("/adapted", json({"error": {"code": "x", "text": "k-1-secret is wrong"}}, 401))
        status, body = await called(start, ask, upstream, "k-1-secret")
        assert (status, body["error"]["code"]) == (401, "upstream_key_refused")
        assert "k-1-secret" not in body["error"]["text"]
