"""contrib/helm: the chart's values are valid, and what it renders is a gateway that this is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from gateway.plugins import load
from gateway.settings.compose import compose
from gateway.settings.core import Plugins
from gateway.settings.reading import read

CHART = Path(__file__).parents[2] / "contrib" / "helm"
ALL: dict[str, Any] = {"autoscaling": {"enabled": True}, "serviceMonitor": {"enabled": True}}
Json = dict[str, Any]


@pytest.fixture(scope="module")
def values() -> Json:
    return dict(yaml.safe_load((CHART / "values.yaml").read_text()))


def rendered(values: Json) -> dict[str, Json]:
    """Objects by kind and name."""
    helm = pytest.importorskip("helm_python", reason="helm-python-sdk is not installed: pip install helm-python-sdk")
    texts = helm.Chart.load(str(CHART)).render(values, name="demo")
    found = [one for name, text in texts.items() if name.endswith(".yaml") for one in yaml.safe_load_all(text) if one]
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in found}


def test_values_fit_their_schema_and_a_misspelt_one_does_not(values: Json) -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    jsonschema.validate(values, schema)
    assert set(values) == set(schema["properties"]) - {"global"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**values, "replica": 3}, schema)


def test_its_configuration_is_one_that_the_gateway_takes(values: Json, tmp_path: Path) -> None:
    file = tmp_path / "librechat.yaml"
    file.write_text(yaml.safe_dump(values["config"]))
    assert compose(read(file, {}), load(Plugins()).sections(), {}).errors == ()


def test_it_has_no_fault_that_helm_knows() -> None:
    helm = pytest.importorskip("helm_python", reason="helm-python-sdk is not installed: pip install helm-python-sdk")
    assert helm.lint(str(CHART), strict=True)["errors"] == []


def test_services_budget_and_monitor_select_its_pods_and_their_ports() -> None:
    made = rendered(ALL)
    pod = made["Deployment/demo"]["spec"]["template"]
    labels, [container] = pod["metadata"]["labels"], pod["spec"]["containers"]
    ports = {port["name"] for port in container["ports"]}
    for name in ("Service/demo", "Service/demo-internal"):
        service = made[name]["spec"]
        assert service["selector"].items() <= labels.items()
        assert {port["targetPort"] for port in service["ports"]} <= ports
    assert made["PodDisruptionBudget/demo"]["spec"]["selector"]["matchLabels"].items() <= labels.items()
    monitor = made["ServiceMonitor/demo"]["spec"]
    watched = made["Service/demo-internal"]
    assert monitor["selector"]["matchLabels"].items() <= watched["metadata"]["labels"].items()
    assert not monitor["selector"]["matchLabels"].items() <= made["Service/demo"]["metadata"]["labels"].items()
    assert {one["port"] for one in monitor["endpoints"]} <= {port["name"] for port in watched["spec"]["ports"]}
    assert made["HorizontalPodAutoscaler/demo"]["spec"]["scaleTargetRef"]["name"] == "demo"
    job = made["Job/demo-migrate"]["spec"]["template"]["metadata"]["labels"]
    assert not made["Service/demo"]["spec"]["selector"].items() <= job.items(), "nobody calls the migration"


def test_the_configuration_is_a_folder_so_that_its_changes_are_seen() -> None:
    made = rendered({})
    pod = made["Deployment/demo"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    [mount] = [one for one in container["volumeMounts"] if one["name"] == "config"]
    assert "subPath" not in mount
    [volume] = [one for one in pod["volumes"] if one["name"] == "config"]
    assert f"ConfigMap/{volume['configMap']['name']}" in made
    assert {one["name"] for one in container["volumeMounts"]} == {one["name"] for one in pod["volumes"]}


def test_containers_may_do_no_more_than_they_must() -> None:
    made = rendered({})
    for name in ("Deployment/demo", "Job/demo-migrate"):
        pod = made[name]["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False, "of a Service `gateway` or `email` pods get GATEWAY_PORT, EMAIL_PORT"
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
