"""The manifests of deploy/kubernetes, as kustomize builds them."""

import copy
import json
import re
import tomllib
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # its types are a package of their own
import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml
from kubernetes_validate.utils import all_versions  # type: ignore[import-untyped]  # it has no types

from daypass.portal.commands.group import portal
from daypass.portal.config.variables import STOP_TIMEOUT
from daypass.portal.http.health import LIVENESS, READINESS
from tests.deploy.kustomize import Manifest, build, containers, pod_of
from tests.deploy.variables import FILE_NAMES, TOML_KEYS, VARIABLE_NAMES

FOLDER = Path(__file__).parent.parent.parent / "deploy" / "kubernetes"
KUSTOMIZATIONS = sorted(file.parent for file in FOLDER.rglob("kustomization.yaml"))
OVERLAYS = [folder for folder in KUSTOMIZATIONS if folder.parent.name == "overlays"]
OPERATOR_SCHEMAS = {
    kind: json.loads((Path(__file__).parent / f"{kind.lower()}.schema.json").read_text())
    for kind in ("PrometheusRule", "ServiceMonitor")
}
"""The schemas of the Prometheus Operator's kinds."""

# Since this version, preStop has "sleep", which needs no program in the image.
OLDEST = (1, 30)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2])


VERSIONS = sorted({version for version in all_versions() if _version(version) >= OLDEST}, key=_version)


def _name(folder: Path) -> str:
    return folder.relative_to(FOLDER).as_posix()


@pytest.fixture(params=OVERLAYS, ids=_name)
def built(request: pytest.FixtureRequest) -> list[Manifest]:
    return build(request.param)


def pods(manifests: list[Manifest]) -> list[Manifest]:
    return [pod for manifest in manifests if (pod := pod_of(manifest)) is not None]


def of_kind(manifests: list[Manifest], kind: str) -> Manifest:
    (found,) = (manifest for manifest in manifests if manifest["kind"] == kind)
    return found


def validate(manifest: Manifest, version: str) -> None:
    """Raise for a manifest that the API would refuse, or of which it would ignore a field."""
    if manifest["apiVersion"].startswith("monitoring.coreos.com/"):
        jsonschema.validate(manifest, OPERATOR_SCHEMAS[manifest["kind"]])
    else:
        # A kind without a schema raises SchemaNotFoundError, which the command only warns about.
        kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("folder", KUSTOMIZATIONS, ids=_name)
def test_every_manifest_is_valid(folder: Path, version: str) -> None:
    for manifest in build(folder):
        validate(manifest, version)


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("Deployment", "spec.template.spec.enableServiceLink", False),
        ("Deployment", "spec.replicas", "2"),
        ("Job", "apiVersion", "batch/v3"),
        ("PrometheusRule", "spec.groups", [{"name": "daypass", "rules": [{"alert": "A", "exp": "up"}]}]),
        ("PrometheusRule", "spec.groups", [{"name": "daypass", "rules": [{"alert": "A"}]}]),
        ("ServiceMonitor", "spec.endpoint", []),
        ("ServiceMonitor", "spec.endpoints", [{"port": "metrics", "interval": "30 s"}]),
    ],
)
def test_an_invalid_manifest_is_found(kind: str, path: str, value: object) -> None:
    manifest = copy.deepcopy(of_kind(build(OVERLAYS[0]), kind))
    *parents, last = path.split(".")
    target: Any = manifest
    for parent in parents:
        target = target[parent]
    target[last] = value

    with pytest.raises((jsonschema.ValidationError, kubernetes_validate.SchemaNotFoundError)):
        validate(manifest, VERSIONS[-1])


def test_each_file_is_part_of_a_kustomization() -> None:
    listed = set()
    for folder in KUSTOMIZATIONS:
        kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
        listed |= {folder / "kustomization.yaml"}
        listed |= {(folder / name).resolve() for name in kustomization["resources"]}
        listed |= {(folder / patch["path"]).resolve() for patch in kustomization.get("patches", ())}
        generators = kustomization.get("configMapGenerator", ())
        listed |= {folder / name for generator in generators for name in generator["files"]}

    assert {file for file in FOLDER.rglob("*") if file.is_file()} <= listed


def test_pods_fulfil_the_restricted_pod_security_standard(built: list[Manifest]) -> None:
    for pod in pods(built):
        spec, context = pod["spec"], pod["spec"]["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        assert {kind for volume in spec["volumes"] for kind in volume.keys() - {"name"}} <= {
            "configMap",
            "secret",
            "emptyDir",
        }
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"]


def test_secrets_come_from_files_that_only_the_group_of_the_portal_reads(built: list[Manifest]) -> None:
    for pod in pods(built):
        spec = pod["spec"]
        (secret,) = (volume for volume in spec["volumes"] if "secret" in volume)
        assert secret["secret"]["defaultMode"] == 0o440
        assert spec["securityContext"]["fsGroup"] == spec["securityContext"]["runAsGroup"]
        for container in spec["containers"]:
            (mount,) = (mount for mount in container["volumeMounts"] if mount["name"] == secret["name"])
            assert "envFrom" not in container
            for variable in container["env"]:
                assert variable["name"] in FILE_NAMES
                assert variable["value"].startswith(f"{mount['mountPath']}/")


def test_variables_and_keys_of_the_configuration_exist(built: list[Manifest]) -> None:
    files = of_kind(built, "ConfigMap")["data"]
    names = {
        variable["name"] for pod in pods(built) for c in pod["spec"]["containers"] for variable in c["env"]
    }

    assert names <= VARIABLE_NAMES | FILE_NAMES
    assert tomllib.loads(files["daypass.toml"]).keys() <= TOML_KEYS
    # The folder of the default of DAYPASS_CONFIG.
    (container,) = containers(of_kind(built, "Deployment"))
    (config,) = (mount for mount in container["volumeMounts"] if mount["name"] == "config")
    assert config["mountPath"] == "/etc/daypass"


def test_addresses_of_the_configuration_are_the_ports_of_the_container(built: list[Manifest]) -> None:
    config = tomllib.loads(of_kind(built, "ConfigMap")["data"]["daypass.toml"])
    (container,) = containers(of_kind(built, "Deployment"))
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}

    for key, port in {"listen": "http", "metrics_listen": "metrics"}.items():
        address, _, number = config[key].rpartition(":")
        assert ip_address(address).is_unspecified
        assert int(number) == ports[port]
    for port in of_kind(built, "Service")["spec"]["ports"]:
        assert port["targetPort"] in ports
    host = config["public_url"].removeprefix("https://")
    assert [rule["host"] for rule in of_kind(built, "Ingress")["spec"]["rules"]] == [host]


def test_replicas_of_a_node_do_not_choose_the_same_core(built: list[Manifest]) -> None:
    """A core is chosen from the process id, which is 1 in every container."""
    config = tomllib.loads(of_kind(built, "ConfigMap")["data"]["daypass.toml"])

    assert config["one_core"] is False


def test_probes_ask_the_addresses_that_the_portal_answers(built: list[Manifest]) -> None:
    (container,) = containers(of_kind(built, "Deployment"))
    paths = {
        probe: container[probe]["httpGet"]["path"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    }

    # Liveness hangs on nothing but the process; else a database that is away would restart every replica.
    assert paths == {"startupProbe": LIVENESS, "livenessProbe": LIVENESS, "readinessProbe": READINESS}
    assert container["readinessProbe"]["timeoutSeconds"] >= 3
    assert container["startupProbe"]["periodSeconds"] * container["startupProbe"]["failureThreshold"] >= 60


def test_the_kubelet_waits_longer_than_the_portal_takes_to_stop(built: list[Manifest]) -> None:
    spec = of_kind(built, "Deployment")["spec"]["template"]["spec"]
    pause = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    config = tomllib.loads(of_kind(built, "ConfigMap")["data"]["daypass.toml"])
    stop_timeout = int(config.get("stop_timeout", STOP_TIMEOUT.default or 0))

    assert spec["terminationGracePeriodSeconds"] > pause + stop_timeout + 5


def test_commands_of_the_containers_exist(built: list[Manifest]) -> None:
    commands = [container["args"] for manifest in built for container in containers(manifest)]

    assert sorted(commands) == [["portal", "migrate"], ["portal", "serve"]]
    assert {command for _, command in commands} <= portal.commands.keys()


def test_selectors_select_the_pods(built: list[Manifest]) -> None:
    labels = of_kind(built, "Deployment")["spec"]["template"]["metadata"]["labels"]
    selectors = {
        "Deployment": of_kind(built, "Deployment")["spec"]["selector"]["matchLabels"],
        "Service": of_kind(built, "Service")["spec"]["selector"],
        "PodDisruptionBudget": of_kind(built, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
    }
    for kind, selector in selectors.items():
        assert selector.items() <= labels.items(), kind
        # The pod of the migration serves nothing.
        job = of_kind(built, "Job")["spec"]["template"]["metadata"]["labels"]
        assert not selector.items() <= job.items(), kind
    # But the network policy applies to both.
    policy = of_kind(built, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"].items()
    assert policy <= labels.items()
    assert policy <= of_kind(built, "Job")["spec"]["template"]["metadata"]["labels"].items()


def test_prometheus_finds_the_metrics(built: list[Manifest]) -> None:
    monitor, service = of_kind(built, "ServiceMonitor")["spec"], of_kind(built, "Service")
    (endpoint,) = monitor["endpoints"]

    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}


def test_alerts_name_the_job_that_the_operator_gives_the_metrics(built: list[Manifest]) -> None:
    """Without `jobLabel`, the job is the name of the Service."""
    assert "jobLabel" not in of_kind(built, "ServiceMonitor")["spec"]
    groups = of_kind(built, "PrometheusRule")["spec"]["groups"]
    jobs = {
        job for group in groups for rule in group["rules"] for job in re.findall('job="(.*?)"', rule["expr"])
    }

    assert jobs == {of_kind(built, "Service")["metadata"]["name"]}


def test_the_network_policy_denies_what_it_does_not_list(built: list[Manifest]) -> None:
    policy = of_kind(built, "NetworkPolicy")["spec"]

    assert sorted(policy["policyTypes"]) == ["Egress", "Ingress"]
    assert all(rule["from"] and rule["ports"] for rule in policy["ingress"])
    assert {port["port"] for rule in policy["egress"] for port in rule["ports"]} == {53, 443, 5432}
    # The metadata service of the node would give the portal the role of the node.
    for rule in policy["egress"]:
        for peer in rule["to"]:
            if peer.get("ipBlock", {}).get("cidr") == "0.0.0.0/0":
                assert peer["ipBlock"]["except"] == ["169.254.0.0/16"]
