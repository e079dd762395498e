from __future__ import annotations

import pytest

from gateway import AGENTS_MOUNT, Answer, Mount, NotFound, Operation, PluginError, Principal, RouteSpec
from gateway.errors import WrongMethod
from gateway.inbound import Inbound
from gateway.router import Router
from gateway.testing.toy import ToyServer


class Chat(ToyServer):
    name = "chat"
    operations = (
        Operation("generate", "POST", "/chat/completions"),
        Operation("models", "GET", "/models"),
        Operation("models", "GET", "/models/{id}"),
    )


class Deep(ToyServer):
    name = "deep"
    operations = (Operation("generate", "POST", "/messages"),)


class Telling(Chat):
    name = "telling"

    def claims(self, inbound: Inbound) -> bool:
        return "x-telling" in inbound.headers


def test_a_path_is_served_under_every_mount_of_its_operation() -> None:
    router = Router((Chat(),), ())
    assert router.match("POST", "/v1/chat/completions").served[0].mount.prefix == "/v1"
    assert router.match("POST", "/api/agents/v1/chat/completions").served[0].mount == AGENTS_MOUNT


def test_an_id_takes_the_rest_of_the_path_with_its_slashes_decoded() -> None:
    match = Router((Chat(),), ()).match("GET", "/v1/models/openrouter/meta%2Fllama")
    assert match.params == {"id": "openrouter/meta/llama"}


def test_a_wrong_method_names_the_right_ones() -> None:
    with pytest.raises(WrongMethod) as caught:
        Router((Chat(),), ()).match("GET", "/v1/chat/completions")
    assert caught.value.allowed == ("POST",)
    assert caught.value.status == 405


@pytest.mark.parametrize(
    ("path", "prefix"),
    [
        ("/v1/v1/chat/completions", "/v1"),
        ("/chat/completions", "/v1"),
        ("/api/v1/chat/completions", "/v1"),
        ("/openai/v1/chat/completions", "/v1"),
    ],
)
def test_a_wrong_prefix_is_told_the_base_url_to_set(path: str, prefix: str) -> None:
    with pytest.raises(NotFound, match=rf"Set base_url to <this gateway>{prefix}\.$"):
        Router((Chat(),), ()).match("POST", path)


def test_an_unknown_path_is_told_what_is_mounted() -> None:
    with pytest.raises(NotFound, match="/v1/chat/completions"):
        Router((Chat(),), ()).match("POST", "/nothing")


def test_what_is_mounted_is_told_once_and_a_slip_by_its_nearest() -> None:
    async def handler(inbound: Inbound, principal: Principal) -> Answer:
        return Answer(b"")

    router = Router((Chat(),), (RouteSpec("GET", "/health", handler),))
    with pytest.raises(NotFound) as caught:
        router.match("GET", "/nothing")
    assert caught.value.public.endswith(
        "Served are, among others: /health, /v1/chat/completions, /v1/models, /v1/models/{id}."
    )
    with pytest.raises(NotFound, match=r"^/heath is not served; did you mean /health\?$"):
        router.match("GET", "/heath")


def test_dialects_that_tell_their_requests_apart_come_first() -> None:
    served = Router((Chat(), Telling()), ()).match("GET", "/v1/models").served
    assert [one.dialect.name for one in served] == ["telling", "chat"]


def test_two_dialects_that_both_take_everything_stop_the_start() -> None:
    class Other(Chat):
        name = "other"

    with pytest.raises(PluginError, match=r"chat and other both serve /api/agents/v1/chat/completions"):
        Router((Chat(), Other()), ())


def test_a_route_on_a_dialects_path_stops_the_start() -> None:
    async def handler(inbound: object, principal: object) -> object:
        raise AssertionError

    spec = RouteSpec("GET", "/v1/models", handler)  # type: ignore[arg-type]
    with pytest.raises(PluginError, match="registered twice"):
        Router((Chat(),), (spec,))


def test_two_routes_of_one_pattern_stop_the_start() -> None:
    async def handler(inbound: object, principal: object) -> object:
        raise AssertionError

    spec = RouteSpec("GET", "/api/keys/{name}", handler)  # type: ignore[arg-type]
    with pytest.raises(PluginError, match="registered twice"):
        Router((), (spec, spec))
    other = RouteSpec("DELETE", "/api/keys/{name}", handler)  # type: ignore[arg-type]
    router = Router((), (spec, other))
    assert router.match("DELETE", "/api/keys/My%20own/one").params == {"name": "My own/one"}


class Rooted(ToyServer):
    name = "rooted"
    operations = (Operation("generate", "POST", "/api/chat", mounts=(AGENTS_MOUNT, Mount(""))),)


def test_a_dialect_may_be_served_at_the_root_beside_others_and_beside_routes() -> None:
    async def handle(inbound: Inbound, principal: Principal) -> Answer:
        return Answer(b"{}")

    route = RouteSpec("GET", "/api/chat", handle)
    router = Router((Chat(), Rooted()), (route,))
    assert router.match("POST", "/api/chat").served[0].dialect.name == "rooted"
    assert router.match("POST", "/api/agents/v1/api/chat").served[0].mount == AGENTS_MOUNT
    assert router.match("GET", "/api/chat").route == route
    assert router.match("POST", "/v1/chat/completions").served[0].dialect.name == "chat"


def test_a_wrong_prefix_of_a_dialect_at_the_root_is_told_the_root() -> None:
    router = Router((Chat(), Rooted()), ())
    with pytest.raises(NotFound, match=r"did you mean /api/chat\? Set base_url to <this gateway>\.$"):
        router.match("POST", "/v1/api/chat")
    with pytest.raises(NotFound, match=r"Set base_url to <this gateway>/v1\.$"):
        router.match("POST", "/chat/completions")
    assert router.speaker("/somewhere/api/chat").name == "rooted"  # type: ignore[union-attr]


class Shorter(ToyServer):
    name = "shorter"
    operations = (Operation("media", "POST", "/completions"),)


class Verbs(ToyServer):
    name = "verbs"
    bare_base = True
    operations = (
        Operation("generate", "POST", "/models/{model}:generate", mounts=(Mount("/v1"), Mount("/v1beta"))),
        Operation("models", "GET", "/models/{id}", mounts=(Mount("/v1beta"),)),
    )


def test_the_longest_ending_is_what_was_meant() -> None:
    with pytest.raises(NotFound, match=r"did you mean /v1/chat/completions\?"):
        Router((Shorter(), Chat()), ()).match("POST", "/v1beta/chat/completions")


@pytest.mark.parametrize("path", ["/models/a/b:generate", "/v1/v1beta/models/a/b:generate"])
def test_a_base_url_without_the_version_is_told_to_clients_that_put_it_there(path: str) -> None:
    with pytest.raises(NotFound, match=r"/models/a/b:generate\? Set base_url to <this gateway>\.$"):
        Router((Chat(), Verbs()), ()).match("POST", path)


def test_an_unknown_word_behind_a_model_is_told_the_known_ones() -> None:
    with pytest.raises(NotFound, match=r"behind a model's name here is :generate\."):
        Router((Verbs(),), ()).match("POST", "/v1beta/models/a:embed")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/x/models/a:generate", "verbs"),
        ("/v1beta/models/a:embed", "verbs"),
        ("/v1beta/chat/completions", "chat"),
        ("/v1/nothing", "chat"),
    ],
)
def test_what_nobody_serves_is_told_in_the_words_that_its_client_speaks(path: str, name: str) -> None:
    assert Router((Chat(), Verbs()), ()).speaker(path).name == name  # type: ignore[union-attr]


def test_with_root_aliases_what_is_under_v1_is_served_without_it_as_under_it() -> None:
    router = Router((Chat(), Telling()), (), root_alias=True)
    for method, path in (("POST", "/chat/completions"), ("GET", "/models"), ("GET", "/models/a/b%2Fc")):
        assert router.match(method, path) == router.match(method, "/v1" + path)
    assert router.hidden == ()
    with pytest.raises(NotFound):
        Router((Chat(), Telling()), ()).match("GET", "/models")


async def handler_of_all(inbound: Inbound, principal: Principal) -> Answer:
    return Answer(b"")


def test_a_root_alias_takes_no_path_from_others_and_says_so() -> None:
    routes = [
        RouteSpec("GET", "/models", handler_of_all),
        RouteSpec("POST", "/chat/{what}", handler_of_all),
        RouteSpec("GET", "/models/mine", handler_of_all),
    ]
    router = Router((Chat(),), routes, root_alias=True)
    assert router.match("GET", "/models").route is routes[0]
    assert router.match("POST", "/chat/completions").route is routes[1]
    assert router.match("GET", "/models/mine").route is routes[2]
    assert router.match("GET", "/models/other").served[0].dialect.name == "chat"
    assert set(router.hidden) == {"GET /models", "POST /chat/completions"}


def test_a_route_of_one_segment_leaves_what_is_below_it_to_others() -> None:
    spec = RouteSpec("GET", "/api/agents/{id}", handler_of_all, segment=True)
    router = Router((Chat(),), (spec,))
    assert router.match("GET", "/api/agents/agent%2F1").params == {"id": "agent/1"}
    assert router.match("GET", "/api/agents/v1/models").served
    with pytest.raises(WrongMethod):
        router.match("GET", "/api/agents/v1/chat/completions")
    with pytest.raises(NotFound):
        router.match("GET", "/api/agents/v1/nothing")
    with pytest.raises(WrongMethod):
        router.match("POST", "/api/agents/agent_1")
    longer = Router((Deep(),), (spec,))
    with pytest.raises(NotFound, match="did you mean /api/agents/v1/messages"):
        longer.match("POST", "/api/agents/messages")
    with pytest.raises(PluginError):
        Router(
            (Chat(),),
            (spec, RouteSpec("GET", "/api/agents/{name}".replace("name", "id"), handler_of_all, segment=True)),
        )


class Apart(ToyServer):
    name = "apart"
    operations = (Operation("generate", "POST", "/talk", (Mount("/api/v9"),)),)


@pytest.mark.parametrize(
    ("path", "name"), [("/api/v9/talk/later", "apart"), ("/v1/later", "chat"), ("/api/admin/users", "chat")]
)
def test_a_route_below_the_mount_of_one_dialect_alone_speaks_it(path: str, name: str) -> None:
    async def handler(inbound: Inbound, principal: Principal) -> Answer:
        return Answer(b"")

    route = RouteSpec("POST", path, handler)
    speaker = Router((Chat(), Telling(), Apart()), [route]).speaker_of(route)
    assert speaker is not None
    assert speaker.name == name


def test_paths_of_nobody_are_answered_by_a_dialect_of_v1_whatever_the_order() -> None:
    for dialects in ((Apart(), Chat()), (Chat(), Apart())):
        speaker = Router(dialects, ()).speaker("/nowhere")
        assert speaker is not None
        assert speaker.name == "chat"
    assert isinstance(Router((Apart(),), ()).speaker("/nowhere"), Apart)
