"""A reader of the parts of kustomize that deploy/kubernetes uses; it refuses every other.

No package for Python or of Debian builds these folders. Names of generated ConfigMaps stay without the hash
that kustomize appends.
"""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]

_KEYS = {"apiVersion", "kind", "namespace", "resources", "images", "configMapGenerator", "patches"}

# Lists that a patch replaces as a whole, as the API declares them (x-kubernetes-list-type: atomic). Kustomize
# merges other lists by a key, which this reader does not do.
_ATOMIC = {("Ingress", "rules"), ("Ingress", "tls"), ("NetworkPolicy", "ingress")}


def build(folder: Path) -> list[Manifest]:
    """Return the manifests of a folder with a kustomization.yaml."""
    kustomization = _load(folder / "kustomization.yaml")[0]
    unknown = kustomization.keys() - _KEYS
    assert not unknown, f"{folder}: this reader does not know {unknown}"
    manifests: list[Manifest] = []
    for resource in kustomization["resources"]:
        path = folder / resource
        manifests += build(path) if path.is_dir() else _load(path)
    for generator in kustomization.get("configMapGenerator", ()):
        _generate(manifests, generator, folder)
    for patch in kustomization.get("patches", ()):
        assert patch.keys() == {"path"}
        (changes,) = _load(folder / patch["path"])
        _merge(_find(manifests, changes), changes, changes["kind"])
    for manifest in manifests:
        if (namespace := kustomization.get("namespace")) and manifest["kind"] != "Namespace":
            manifest["metadata"]["namespace"] = namespace
        for container in containers(manifest):
            container["image"] = _image(container["image"], kustomization.get("images", ()))
    return manifests


def pod_of(manifest: Manifest) -> Manifest | None:
    """Return the pod template of a Deployment or Job, or None."""
    template = manifest.get("spec", {}).get("template")
    return template if template is None else dict(template)


def containers(manifest: Manifest) -> Sequence[Manifest]:
    """Return the containers of a Deployment or Job."""
    pod = pod_of(manifest)
    return [] if pod is None else [*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]]


def _load(file: Path) -> list[Manifest]:
    return [manifest for manifest in yaml.safe_load_all(file.read_text()) if manifest]


def _generate(manifests: list[Manifest], generator: Manifest, folder: Path) -> None:
    behavior = generator.get("behavior", "create")
    assert generator.keys() <= {"name", "behavior", "files"}
    assert behavior in {"create", "replace"}
    wanted = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": generator["name"]},
        "data": {name: (folder / name).read_text() for name in generator["files"]},
    }
    if behavior == "replace":
        manifests.remove(_find(manifests, wanted))
    manifests.append(wanted)


def _find(manifests: list[Manifest], wanted: Manifest) -> Manifest:
    (found,) = (
        manifest
        for manifest in manifests
        if manifest["kind"] == wanted["kind"] and manifest["metadata"]["name"] == wanted["metadata"]["name"]
    )
    return found


def _merge(target: Manifest, changes: Manifest, kind: str) -> None:
    for key, value in changes.items():
        if isinstance(value, dict):
            _merge(target.setdefault(key, {}), value, kind)
        else:
            assert not isinstance(value, list) or (kind, key) in _ATOMIC, f"{kind}: a patch of the list {key}"
            target[key] = copy.deepcopy(value)


def _image(image: str, replacements: Sequence[Manifest]) -> str:
    for replacement in replacements:
        assert replacement.keys() <= {"name", "newName", "newTag", "digest"}
        if replacement["name"] == image:
            separator, version = (
                ("@", replacement["digest"]) if "digest" in replacement else (":", replacement["newTag"])
            )
            return f"{replacement['newName']}{separator}{version}"
    return image
