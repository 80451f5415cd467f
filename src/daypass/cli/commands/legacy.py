"""Refusals of commands and options that duploctl has and Daypass does not, each with its replacement."""

from collections.abc import Sequence

import click

from daypass.cli.commands.options import Decorator, combined
from daypass.cli.runtime.errors import UsageError
from daypass.common.counting import enumerated

_KUBERNETES = "Daypass gives access to AWS, not yet to Kubernetes: keep duploctl for it."
_OTHER_CLOUD = "Daypass gives access to AWS alone: keep duploctl for it."

JIT_COMMANDS = {
    "argo_wf": _OTHER_CLOUD,
    "gcp": _OTHER_CLOUD,
    "k8s": _KUBERNETES,
    "k8s_context": _KUBERNETES,
    "update_kubeconfig": _KUBERNETES,
    # `duplo-jit duplo` prints a token of the portal.
    "duplo": "The API token is printed by: daypass jit token",
}
"""Unsupported commands of `duploctl jit` and `duplo-jit`, with the replacement."""

_OTHER_NAMES = {
    **dict.fromkeys(("eks", "kube", "kubeconfig", "kubectl", "kubectx", "kubernetes"), _KUBERNETES),
    **dict.fromkeys(("azure", "gcloud", "google"), _OTHER_CLOUD),
    # Kubernetes services of other clouds.
    **dict.fromkeys(("aks", "gke"), _OTHER_CLOUD),
}
"""Names that neither client has but that their users try."""

_RESOURCES = "Daypass gives access to AWS and does not manage what runs there: keep duploctl for it."

SUBJECTS = {
    "tenant": "Your tenants are listed by: daypass tenants",
    "user": "Users are managed on the portal's pages, or from a file with: daypass apply",
    "version": "The version is printed by: daypass --version",
    "system": "The portal is checked by: daypass doctor",
    **dict.fromkeys(
        (
            "argo_wf",
            "argo_wf_template",
            "asg",
            "aws_secret",
            "batch_compute",
            "batch_definition",
            "batch_job",
            "batch_queue",
            "batch_scheduling_policy",
            "cloud_resource",
            "cloudfront",
            "configmap",
            "cronjob",
            "ecr",
            "ecs",
            "ecs_service",
            "hosts",
            "infrastructure",
            "ingress",
            "job",
            "lambda",
            "plan",
            "pod",
            "pvc",
            "rds",
            "s3",
            "secret",
            "service",
            "ssm_param",
            "storageclass",
            "ticket",
            "workspace",
            "agent",
        ),
        _RESOURCES,
    ),
}
"""First words of duploctl's command lines, with the replacement."""

_OUTPUTS = {
    "env": "Variables for a shell are printed by: daypass env --tenant NAME",
    "yaml": "The output is JSON, which is YAML too; another form is up to a program such as yq.",
    "csv": "The output is JSON; take it apart with a program such as jq.",
    "string": "The output is JSON; take it apart with a program such as jq.",
}


class Jit(click.Group):
    """The group `daypass jit`, which recognizes duploctl's other commands."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command; raises `UsageError` with the replacement for a command of duploctl's."""
        # While it completes a line, click parses it although it is not complete, and then no word is refused.
        if args and not ctx.resilient_parsing and args[0] not in self.commands:
            self._refuse(ctx, args[0])
        return super().resolve_command(ctx, args)

    def _refuse(self, ctx: click.Context, word: str) -> None:
        if word.startswith("-"):
            # click has its own messages for unknown options.
            return
        name = word.lower().replace("-", "_")
        # Only a known word is repeated verbatim: any other may be a token in the wrong place.
        if instead := JIT_COMMANDS.get(name) or _OTHER_NAMES.get(name):
            raise UsageError(f"There is no `daypass jit {name}`. {instead}")
        if name in self.commands:
            raise UsageError(f"The command is: daypass jit {name}")
        parent = ctx.parent.command if ctx.parent else None
        if isinstance(parent, click.Group) and word in parent.list_commands(ctx):
            raise UsageError(f"This command is without `jit`: daypass {word}")
        ctx.fail(f"No such command '{word}'. `daypass jit` has {enumerated(sorted(self.commands))}.")


def _output(_context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value not in (None, "json"):
        instead = _OUTPUTS.get(value or "", "The output is JSON.")
        raise UsageError(f"--output accepts json only. {instead}")


def _unsupported_option(flags: Sequence[str], instead: str) -> Decorator:
    """Return a hidden option that raises `UsageError` with the text *instead*."""

    def refuse(_context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
        if value is not None:
            raise UsageError(f"There is no {flags[0]}. {instead}")

    name = "no_" + flags[0].strip("-").replace("-", "_")
    return click.option(*flags, name, hidden=True, expose_value=False, callback=refuse)


unsupported_options = combined(
    click.option("--output", "-o", hidden=True, expose_value=False, callback=_output),
    _unsupported_option(
        ("--query", "-q"),
        "Variables for a shell are printed by: daypass env. For one field of the JSON, use jq.",
    ),
    _unsupported_option(("--context", "--ctx"), "Name the portal with --host, or in DAYPASS_HOST."),
    _unsupported_option(
        ("--config-file", "--configfile"), "Name the portal with --host, or in DAYPASS_HOST."
    ),
    _unsupported_option(("--cache-dir", "--cachedir"), "Name the folder in DAYPASS_CACHE_DIR."),
    _unsupported_option(
        ("--home-dir", "--homedir"), "Name folders in DAYPASS_CACHE_DIR and DAYPASS_STATE_DIR."
    ),
)
"""duploctl's options without a meaning here, and `--output`, of which only json is accepted."""
