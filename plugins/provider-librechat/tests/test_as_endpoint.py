"""LibreChat's agents by the operator's one key, beside other endpoints: models, routes, agents, money."""

import openai
import pytest
import pytest_asyncio
from librechat_stand_in import ADA, BOB, StandIn

from gateway.testing.running import RunningGateway

pytestmark = pytest.mark.asyncio(loop_scope="module")
CONFIG = """
version: "1.3.17"
interface: {remoteAgents: {use: true}}
gateway:
  provider-librechat: {url: "{URL}", key: "${THE_KEY}", forward: true}
  agents:
    - {id: agent_own, name: Own, endpoint: librechat, model: agent_poet, instructions: Be kind.}
  routes:
    - name: safe
      targets: [{model: librechat/agent_poet}, {model: echo/echo}]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def far():
    async with StandIn() as far:
        yield far


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(far, tmp_path_factory):
    config = CONFIG.replace("{URL}", far.url)
    async with RunningGateway(tmp_path_factory.mktemp("endpoint"), config, environ={"THE_KEY": BOB}) as running:
        yield running
    assert BOB not in running.printed


@pytest_asyncio.fixture(loop_scope="module")
async def admin(gateway):
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0) as client:
        yield client


def user(text):
    return [{"role": "user", "content": text}]


async def test_its_agents_are_models_of_the_endpoint(admin):
    listed = [model.id async for model in await admin.models.list()]
    assert "librechat/agent_poet" in listed
    assert "librechat/agent_private" not in listed, "that key may not call it"
    reply = await admin.chat.completions.with_raw_response.create(model="librechat/agent_poet", messages=user("Hi"))
    assert reply.parse().choices[0].message.content == "You said: Hi"
    assert reply.headers["x-gateway-route"] == "librechat/agent_poet"


async def test_the_operators_key_is_used_for_the_gateways_own_callers_and_nobody_elses(admin, far):
    await admin.chat.completions.create(model="agent_own", messages=user("Hi"))
    assert far.asked[-1][0] == BOB
    await admin.with_options(api_key=ADA).chat.completions.create(model="agent_own", messages=user("Hi"))
    assert far.asked[-1][0] == ADA


async def test_instructions_of_an_agent_here_come_first(admin, far):
    await admin.chat.completions.create(model="agent_own", messages=user("Hi"))
    assert b'"role":"system","content":"Be kind."' in far.asked[-1][2]


async def test_what_fails_in_a_stream_before_it_says_anything_is_tried_elsewhere(admin):
    reply = await admin.chat.completions.create(model="safe", messages=user("fail"), stream=True)
    assert "".join([chunk.choices[0].delta.content or "" async for chunk in reply]) == "fail"


async def test_a_refusal_of_the_operators_key_is_not_the_callers_fault(admin, far):
    far.revoked.add(BOB)
    try:
        with pytest.raises(openai.InternalServerError, match="gateway's own credentials"):
            await admin.chat.completions.create(model="librechat/agent_poet", messages=user("Hi"))
    finally:
        far.revoked.discard(BOB)
