"""The rendered manifests are valid, restricted, and use only commands and flags of `beatsync`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.deploying import DEPLOY, check, need_module, parse

KUBERNETES = DEPLOY / "kubernetes"
SHAPES = ("git-sync", "configmap", "job", "beat")
OLDEST, NEWEST = "1.29", "1.33"
"""Kubernetes supports sidecars (init containers that keep running) since 1.29."""
Manifest = dict[str, Any]


@cache
def rendered(folder: str) -> tuple[Manifest, ...]:
    """Return the manifests that `kubectl apply -k` would send."""
    return tuple(yaml.safe_load_all(check("kubectl", "kustomize", KUBERNETES / folder)))


@dataclass(frozen=True)
class Pod:
    """The pod template of a Deployment or a Job."""

    owner: Manifest

    @property
    def template(self) -> Manifest:
        manifest: Manifest = self.owner["spec"]["template"]
        return manifest

    @property
    def spec(self) -> Manifest:
        manifest: Manifest = self.template["spec"]
        return manifest

    def containers(self) -> list[Manifest]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    def container(self, name: str) -> Manifest:
        return next(item for item in self.containers() if item["name"] == name)


def pod_of(shape: str) -> Pod:
    return Pod(next(item for item in rendered(shape) if item["kind"] in {"Deployment", "Job"}))


@pytest.fixture(params=SHAPES)
def pod(request: pytest.FixtureRequest) -> Pod:
    return pod_of(request.param)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("folder", SHAPES)
def test_every_field_is_valid(folder: str, version: str) -> None:
    kubernetes_validate = need_module("kubernetes_validate")
    for manifest in rendered(folder):
        kubernetes_validate.validate(manifest, version, strict=True)


def test_the_example_secret_has_every_key_that_is_used() -> None:
    kubernetes_validate = need_module("kubernetes_validate")
    keys: set[tuple[str, str]] = set()
    for secret in yaml.safe_load_all((KUBERNETES / "secret.example.yaml").read_text()):
        kubernetes_validate.validate(secret, NEWEST, strict=True)
        keys.update((secret["metadata"]["name"], key) for key in secret["stringData"])
    read = {
        (key["name"], key["key"])
        for shape in SHAPES
        for container in pod_of(shape).containers()
        if container["name"] != "beat"
        for item in container.get("env", [])
        if (key := item.get("valueFrom", {}).get("secretKeyRef"))
    }
    assert read == keys


def test_pods_pass_the_restricted_standard(pod: Pod) -> None:
    """Each rule of the Pod Security Standard `restricted`."""
    spec, pod_context = pod.spec, pod.spec.get("securityContext", {})
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    allowed = {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
    assert all(set(volume) - {"name"} <= allowed for volume in spec.get("volumes", []))
    for container in pod.containers():
        context = pod_context | container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False, container["name"]
        assert context["capabilities"] == {"drop": ["ALL"]}, container["name"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] > 0
        assert context["seccompProfile"]["type"] == "RuntimeDefault"
        assert "privileged" not in context
        assert all("hostPort" not in port for port in container.get("ports", []))


def test_pods_have_limits_and_no_unneeded_rights(pod: Pod) -> None:
    assert pod.spec["automountServiceAccountToken"] is False
    for container in pod.containers():
        assert container["securityContext"]["readOnlyRootFilesystem"] is True, container["name"]
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), container["name"]
        assert "memory" in container["resources"]["limits"], container["name"]
        assert ":" in container["image"], f"{container['name']}: an image without a tag changes over time"


def test_every_command_is_valid(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    beatsync_containers = [item for item in pod.containers() if item["image"].startswith("beatsync")]
    assert beatsync_containers
    for container in beatsync_containers:
        assert "command" not in container, "the image's entry point is beatsync"
        params = parse(container["args"], variables(container), monkeypatch)
        assert params["database_url"] == "a secret", container["name"]


def variables(container: Manifest) -> dict[str, str]:
    return {item["name"]: item.get("value", "a secret") for item in container.get("env", [])}


@pytest.mark.parametrize("shape", ["git-sync", "configmap", "beat"])
def test_the_daemon_has_probes_and_time_to_stop(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pod = pod_of(shape)
    container = pod.container("beatsync")
    params = parse(container["args"], variables(container), monkeypatch)
    assert params["listen"] == ("0.0.0.0", container["ports"][0]["containerPort"])
    assert pod.spec["terminationGracePeriodSeconds"] > params["grace"] + 5
    paths = {kind: container[kind]["httpGet"]["path"] for kind in ("startupProbe", "livenessProbe", "readinessProbe")}
    # An invalid revision or an unavailable database must not cause a restart.
    assert paths == {"startupProbe": "/-/healthy", "livenessProbe": "/-/healthy", "readinessProbe": "/-/ready"}
    for kind in paths:
        assert container[kind]["httpGet"]["port"] == container["ports"][0]["name"]
    assert pod.template["metadata"]["labels"]["beatsync-metrics"] == "true"


def test_the_directory_is_below_the_mount_that_is_swapped() -> None:
    for shape in ("git-sync", "beat"):
        pod = pod_of(shape)
        variables_of = variables(pod.container("git-sync"))
        root, link = variables_of["GITSYNC_ROOT"], variables_of["GITSYNC_LINK"]
        mount = {item["name"]: item for item in pod.container("beatsync")["volumeMounts"]}["git"]
        assert mount == {"name": "git", "mountPath": root, "readOnly": True}, "the root, never the link"
        assert Path(pod.container("beatsync")["args"][1]).is_relative_to(f"{root}/{link}")
    (mount,) = pod_of("configmap").container("beatsync")["volumeMounts"]
    assert "subPath" not in mount, "a subPath mount is never updated"
    assert pod_of("configmap").container("beatsync")["args"][1] == mount["mountPath"]


def test_beat_waits_for_the_first_sync() -> None:
    order = [item["name"] for item in pod_of("beat").containers()]
    assert order == ["beatsync-migrate", "git-sync", "beatsync", "beatsync-wait", "beat"]
    pod = pod_of("beat")
    running_on = [item["name"] for item in pod.containers() if item.get("restartPolicy") == "Always"]
    assert running_on == ["git-sync", "beatsync"]
    assert pod.container("beatsync-wait")["args"][0] == "status"


@pytest.mark.parametrize("shape", ["configmap", "job"])
def test_the_files_of_a_config_map_are_valid(shape: str, tmp_path: Path) -> None:
    from beatsync.cli import main

    (files,) = [item["data"] for item in rendered(shape) if item["kind"] == "ConfigMap"]
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert main(["validate", str(tmp_path)]) == 0


def test_the_config_map_is_mutable_for_the_daemon_and_pinned_for_the_job() -> None:
    names = {
        shape: next(item["metadata"]["name"] for item in rendered(shape) if item["kind"] == "ConfigMap")
        for shape in ("configmap", "job")
    }
    assert names["configmap"] == "beatsync-schedules"
    assert names["job"].startswith("beatsync-schedules-")
    for shape, name in names.items():
        assert {"name": "schedules", "configMap": {"name": name}} in pod_of(shape).spec["volumes"]


def test_a_job_retries_only_errors_that_may_pass() -> None:
    from beatsync.cli import exits

    (rule,) = pod_of("job").owner["spec"]["podFailurePolicy"]["rules"]
    assert rule["onExitCodes"]["values"] == sorted([exits.INVALID, exits.BLOCKED, exits.USAGE])
    assert rule["onExitCodes"]["containerName"] in {item["name"] for item in pod_of("job").spec["containers"]}
