"""A gateway in front of a scripted upstream, and an OpenAI client to it."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest

from gateway.testing.beside import Beside
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


@pytest.fixture(scope="session")
def served() -> Iterator[Beside]:
    with Beside() as beside:
        yield beside


@pytest.fixture(scope="session")
def gateway(served: Beside, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with RunningGateway(tmp_path_factory.mktemp("media"), CONFIG.format(url=served.upstream.url)) as running:
        yield running


@pytest.fixture
def client(gateway: RunningGateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.key, max_retries=0) as made:
        yield made
