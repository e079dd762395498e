"""What contrib's files for machines say of each other and of the gateway is so."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
import yaml

from gateway.cli.context import Context
from gateway.settings.overlay import variables
from gateway.testing.running import RunningGateway

ROOT = Path(__file__).resolve().parents[2]
DOCKER, UNIT = ROOT / "contrib" / "docker", ROOT / "contrib" / "systemd" / "librechat-gateway.service"
DOCKERFILE = (DOCKER / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text())
DASHBOARD = json.loads((DOCKER / "grafana" / "dashboards" / "gateway.json").read_text())
RULES = yaml.safe_load((DOCKER / "rules.yaml").read_text())
OTHERS = {"GATEWAY_API_KEY", "GATEWAY_STATE_DIR", "CREDS_KEY", "PATH", "PYTHONDONTWRITEBYTECODE"}
"""Variables that are no keys of the configuration."""
NOT_LABELS = {"revision", "instance", "job", "le"}
"""Prometheus's own, and the one that a rule makes."""


def expressions() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    for group in RULES["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    directory = tmp_path_factory.mktemp("deployed")
    with RunningGateway(directory, environ={"GATEWAY_HTTP_ROOT_ALIAS": "true"}) as running:
        yield running


def exposed(gateway: RunningGateway) -> set[str]:
    """Names of its metrics."""
    with urllib.request.urlopen(gateway.url + "/metrics") as reply:
        return set(re.findall(r"^# TYPE (\S+) ", reply.read().decode(), re.MULTILINE))


@pytest.fixture(scope="module")
def known() -> set[str]:
    """Variables that the gateway reads."""
    return OTHERS | {name for name, _, _ in variables(Context(environ={}).registry.sections())}


def test_a_base_url_without_v1_serves_calls_and_lists(gateway: RunningGateway) -> None:
    client = openai.OpenAI(base_url=gateway.url, api_key=gateway.key)
    said = client.chat.completions.create(model="agent_echo", messages=[{"role": "user", "content": "Hi"}])
    assert said.choices[0].message.content == "Hi"
    assert "agent_echo" in [model.id for model in client.models.list()]
    assert client.models.retrieve("agent_echo").id == "agent_echo"
    client.close()


def test_the_image_asks_for_its_health_as_a_gateway_answers(gateway: RunningGateway) -> None:
    [probe] = re.findall(r"^  CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    command, flag, code = json.loads(probe)
    assert (command, flag) == ("python", "-c")
    for address, code_of_end in ((gateway.url, 0), ("http://127.0.0.1:1", 1)):
        run = [sys.executable, "-c", code.replace("http://127.0.0.1:8080", address)]
        assert subprocess.run(run, check=False, capture_output=True).returncode == code_of_end


def test_every_metric_of_the_dashboard_and_the_rules_is_one_of_a_running_gateway(gateway: RunningGateway) -> None:
    named = {name for text in expressions() for name in re.findall(r"\bgateway_\w+", text)}
    assert len(named) >= 14
    assert {name.removesuffix("_bucket") for name in named} - exposed(gateway) == set()


def test_what_has_the_place_of_another_gateways_metric_is_there(gateway: RunningGateway) -> None:
    rows = re.findall(r"^\| `litellm_.* \| (.*) \| .*\|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    ours = {name for row in rows for name in re.findall(r"gateway_\w+", row)}
    assert len(rows) >= 11
    assert ours - exposed(gateway) == set()


def test_every_label_of_the_dashboard_and_the_rules_is_one_of_its_metric() -> None:
    metrics = importlib.import_module("gateway_meter_prometheus.metrics").Metrics({}, None)
    labels = {
        name: set(getattr(collector, "_labelnames", ()))
        for collector, names in metrics._registry._collector_to_names.items()
        for name in names
    }
    for text in expressions():
        used = {one.strip() for found in re.findall(r"by \(([^)]*)\)", text) for one in found.split(",")}
        used |= set(re.findall(r"[{,](\w+)!?=", text))
        has = {label for name in re.findall(r"\bgateway_\w+", text) for label in labels[name]}
        assert used - NOT_LABELS <= has, text


def test_every_panel_asks_the_source_that_is_provisioned() -> None:
    sources = yaml.safe_load((DOCKER / "grafana/provisioning/datasources/prometheus.yaml").read_text())["datasources"]
    assert {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]} == {source["uid"] for source in sources}
    assert {source["url"] for source in sources} == {"http://prometheus:9090"}
    assert "prometheus" in COMPOSE["services"]


def test_services_are_linked_to_what_is_there() -> None:
    services = COMPOSE["services"]
    for name, service in services.items():
        waits = service.get("depends_on", {})
        assert set(waits) <= set(services), name
        for other, how in waits.items() if isinstance(waits, dict) else ():
            if how["condition"] == "service_healthy":
                assert "test" in services[other]["healthcheck"]
        for mount in service.get("volumes", ()):
            source, target = mount.split(":")[:2]
            assert source in COMPOSE["volumes"] or (DOCKER / source).exists(), mount
            assert target.startswith("/")
        host = service["image"].rpartition("/")[0]
        assert "." not in host  # short names: images come from wherever the operator has them
    environ = services["gateway"]["environment"]
    assert "@postgres:" in environ["GATEWAY_STORE_URL"]
    assert environ["GATEWAY_LIMITS_REDIS_URL"].startswith("redis://redis:")
    [job] = yaml.safe_load((DOCKER / "prometheus.yaml").read_text())["scrape_configs"]
    assert job["static_configs"] == [{"targets": [f"gateway:{environ['GATEWAY_LISTEN_INTERNAL_PORT']}"]}]
    assert job["job_name"] == "gateway"
    assert 'up{job="gateway"} == 0' in list(expressions())


def test_every_variable_is_one_that_the_gateway_reads(known: set[str]) -> None:
    [block] = re.findall(r"^ENV (.*?[^\\])$", DOCKERFILE, re.MULTILINE | re.DOTALL)
    of_image = {pair.partition("=")[0] for pair in shlex.split(block.replace("\\\n", " "))}
    of_unit = set(re.findall(r"^Environment=(\w+)=", UNIT.read_text(), re.MULTILINE))
    assert of_image | of_unit | set(COMPOSE["services"]["gateway"]["environment"]) <= known


def test_the_image_copies_what_is_there_and_does_not_run_as_root() -> None:
    copied = [path for line in re.findall(r"^COPY (?!--)(.*)$", DOCKERFILE, re.MULTILINE) for path in line.split()[:-1]]
    assert len(copied) >= 5
    assert all((ROOT / path).exists() for path in copied)
    taken = {line[1:] for line in (DOCKER / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(copied) == taken
    assert re.findall(r"^USER (\d+):\d+$", DOCKERFILE, re.MULTILINE) == ["10001"]
    extra = tomllib.loads((ROOT / "plugins/store-sql/pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert all(f"'{needed}'" in DOCKERFILE for needed in extra["postgres"])
    run, arguments = re.findall(r"^(?:ENTRYPOINT|CMD) (\[.*\])$", DOCKERFILE, re.MULTILINE)
    assert [*json.loads(run), *json.loads(arguments)] == ["python", "-m", "gateway", "serve"]


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here")
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/librechat-gateway/bin/python", sys.executable))
    verified = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert UNIT.name not in verified.stderr
    [drain] = re.findall(r"^TimeoutStopSec=(\d+)$", unit.read_text(), re.MULTILINE)
    assert int(drain) > Context(environ={}).core.timeouts.drain + 10
