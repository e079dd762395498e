"""A gateway in front of a scripted upstream, and an OpenAI client to it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import openai
import pytest

from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.running import RunningGateway

CONFIG = """
version: 1.3.5
endpoints:
  custom:
    - name: place
      apiKey: sk-upstream
      baseURL: {url}/v1
      models: {{default: [small, whisper, omni-moderation-latest]}}
"""


class Served:
    """The upstream's loop runs in a thread, since the client under test waits."""

    def __init__(self, upstream: FakeUpstream, loop: asyncio.AbstractEventLoop) -> None:
        self.upstream = upstream
        self._loop = loop

    def soon(self, step: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(step)


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    upstream = asyncio.run_coroutine_threadsafe(_begun(), loop).result(10)
    yield Served(upstream, loop)
    asyncio.run_coroutine_threadsafe(upstream.__aexit__(None, None, None), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


async def _begun() -> FakeUpstream:
    return await FakeUpstream().__aenter__()


@pytest.fixture(scope="session")
def gateway(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with RunningGateway(tmp_path_factory.mktemp("media"), CONFIG.format(url=served.upstream.url)) as running:
        yield running


@pytest.fixture
def client(gateway: RunningGateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.key, max_retries=0) as made:
        yield made
