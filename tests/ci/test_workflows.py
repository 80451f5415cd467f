"""The workflows, the action and their neighbours are valid, and run only pinned code with few permissions."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ci.pins import unpinned

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*"))
WITH_ACTIONS = [*WORKFLOWS, ROOT / "action.yml"]
FORMS = sorted(path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*") if path.stem != "config")

SHA = "9c091bb21b7c1c1d1991bb908d89e4e9dddfe3e0"
DIGEST = "7c7b2c966bc9ee8cedfeef67e0e279108992c77681fa595db4a9d65c06ccc587"


def program(name: str, *words: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [str(Path(sys.executable).with_name(name)), *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def loaded(path: Path) -> dict[Any, Any]:
    read = yaml.safe_load(path.read_text())
    assert isinstance(read, dict)
    return read


def test_zizmor_finds_nothing() -> None:
    words = [
        "--offline",
        "--no-config",
        "--quiet",
        "--persona=pedantic",
        "--collect=all",
        "--strict-collection",
    ]

    done = program("zizmor", *words, "action.yml", ".github")

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        ("github-workflows", WORKFLOWS),
        ("github-actions", [ROOT / "action.yml"]),
        ("dependabot", [ROOT / ".github" / "dependabot.yml"]),
        ("github-issue-forms", FORMS),
        ("github-issue-config", [ROOT / ".github" / "ISSUE_TEMPLATE" / "config.yml"]),
    ],
)
def test_files_for_github_follow_their_schemas(schema: str, paths: list[Path]) -> None:
    assert paths
    done = program("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *paths)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WITH_ACTIONS, ids=lambda path: path.name)
def test_every_action_and_image_is_pinned(path: Path) -> None:
    assert unpinned(path.read_text()) == []


@pytest.mark.parametrize(
    ("step", "is_pinned"),
    [
        (f"uses: actions/checkout@{SHA}", True),
        (f"uses: actions/checkout@{SHA} # v7.0.0", True),
        (f"uses: github/codeql-action/init@{SHA}", True),
        ("uses: ./.github/actions/setup", True),
        ("uses: $/.github/actions/setup", True),
        (f"uses: docker://debian@sha256:{DIGEST}", True),
        ("uses: actions/checkout@v7.0.0", False),
        ("uses: actions/checkout@main", False),
        ("uses: actions/checkout", False),
        (f"uses: actions/checkout@{SHA[:7]}", False),
        (f"uses: actions/checkout@{SHA.upper()}", False),
        (f"uses: actions/checkout@{SHA}0", False),
        ("uses: docker://debian", False),
        ("uses: docker://debian:13", False),
        (f"uses: docker://debian@sha256:{DIGEST[:12]}", False),
    ],
)
def test_only_a_full_commit_or_a_digest_counts_as_pinned(step: str, is_pinned: bool) -> None:
    inside = f"jobs: {{test: {{steps: [{{run: 'true'}}, {{{step.partition(' #')[0]}}}]}}}}"

    assert (unpinned(inside) == []) is is_pinned


@pytest.mark.parametrize(
    "job",
    [
        "uses: octo/workflows/.github/workflows/test.yml@v1",
        "container: debian:13",
        "container: {image: 'debian:13'}",
        "services: {database: {image: 'postgres:18'}}",
        "steps: [{env: {BASE: 'docker.io/library/python:3.13-slim'}, run: 'true'}]",
    ],
)
def test_an_unpinned_workflow_or_image_of_a_job_is_refused(job: str) -> None:
    assert unpinned(f"jobs: {{test: {{{job}}}}}") != []


@pytest.mark.parametrize("path", WITH_ACTIONS, ids=lambda path: path.name)
def test_every_pinned_action_says_its_version(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if re.search(r"\buses:.*@", line)]

    assert [line for line in lines if not re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_job_has_only_the_permissions_that_it_lists_and_ends(path: Path) -> None:
    workflow = loaded(path)

    assert workflow["permissions"] == {}
    assert "concurrency" in workflow
    for job in workflow["jobs"].values():
        assert job["permissions"]
        assert "uses" in job or job["timeout-minutes"] <= 60
        for step in job.get("steps", []):
            if "actions/checkout@" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False


def test_only_the_job_that_uploads_to_the_index_can_be_its_trusted_publisher() -> None:
    jobs = loaded(ROOT / ".github" / "workflows" / "release.yml")["jobs"]

    assert [name for name, job in jobs.items() if job.get("environment") == "pypi"] == ["pypi"]
    assert jobs["pypi"]["permissions"] == {"id-token": "write"}
    assert [step for step in jobs["pypi"]["steps"] if "run" in step] == []


def test_the_tests_run_on_every_supported_version_of_python() -> None:
    tested = loaded(ROOT / ".github" / "workflows" / "test.yml")["jobs"]["test"]["strategy"]["matrix"][
        "python"
    ]
    named = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text())

    assert tested == named
    assert "3.14" in tested
