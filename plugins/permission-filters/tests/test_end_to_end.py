"""Official SDKs of several dialects meet the filter; `check` knows that it is enforced."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from gateway.testing.beside import Beside
from gateway.testing.fake_upstream import json as whole
from gateway.testing.running import RunningGateway

SECRET = "my key is sk-abcdef0123456789"
PUBLIC = "Message contains a sk- prefix token. Remove it and try again."


@pytest.fixture
def beside() -> Iterator[Beside]:
    with Beside() as running:
        yield running


def config(upstream: str = "http://127.0.0.1:9") -> str:
    far = {"name": "far", "apiKey": "k", "baseURL": upstream + "/v1", "models": {"default": ["m"]}}
    pii = {"starterPatterns": ["sk_prefix"]}
    return json.dumps(
        {
            "version": "1.3.17",
            "messageFilter": {"pii": pii},
            "filters": {"messages": {"pii": pii}, "prompts": {"pii": pii}},
            "endpoints": {"custom": [far]},
        }
    )


def test_sdks_raise_what_they_raise_for_a_bad_request_and_nothing_goes_upstream(tmp_path: Path, beside: Beside) -> None:
    beside.upstream.answer("/v1/embeddings", whole({}))
    with RunningGateway(tmp_path, config(beside.upstream.url)) as gateway:
        chat = openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.key, max_retries=0)
        claude = anthropic.Anthropic(base_url=gateway.url, api_key=gateway.key, max_retries=0)
        said: Any = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": SECRET}]
        with pytest.raises(openai.BadRequestError) as refused:
            chat.chat.completions.create(model="far/m", messages=said)
        assert (refused.value.code, refused.value.body["message"]) == ("message_filter_pii_block", PUBLIC)  # type: ignore[index]
        with pytest.raises(openai.BadRequestError, match="Remove it and try again"):
            chat.responses.create(model="far/m", input=SECRET, stream=True)
        with pytest.raises(openai.BadRequestError, match="Remove it and try again"):
            chat.embeddings.create(model="far/m", input=SECRET)
        with pytest.raises(anthropic.BadRequestError, match="Remove it and try again"):
            claude.messages.create(model="far/m", max_tokens=9, messages=said)
        with pytest.raises(anthropic.BadRequestError, match="Remove it and try again"):
            claude.messages.count_tokens(model="far/m", messages=said)
        assert chat.chat.completions.create(model="echo/echo", messages=[{"role": "user", "content": "Hi"}])
        assert beside.upstream.arrived == []
        assert "abcdef0123456789" not in gateway.printed


def test_check_names_none_of_it_as_unenforced(tmp_path: Path) -> None:
    file = tmp_path / "librechat.yaml"
    file.write_text(config())
    run = [sys.executable, "-m", "gateway", "check", "--json", str(file)]
    ended = subprocess.run(run, capture_output=True, text=True, check=False)
    found = json.loads(ended.stdout)["findings"]
    assert ended.returncode == 0
    assert [one for one in found if "not enforced" in one["what"]] == []
    [note] = [one["what"] for one in found if "accepted and without effect" in one["what"]]
    assert "filters.prompts" in note
    file.write_text(
        config().replace('"sk_prefix"]', '"sk_prefix"], "customPatterns": [{"id": "a", "label": "b", "regex": "("}]')
    )
    ended = subprocess.run(run, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "messageFilter.pii.customPatterns[0].regex" in ended.stdout + ended.stderr
