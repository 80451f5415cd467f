"""The reference page of the configuration variables."""

from collections.abc import Sequence
from typing import Any

from daypass.portal.config.provider_variables import PROVIDER_KEYS, ProviderKey, written_name
from daypass.portal.config.variables import CONFIG, SECTIONS, Variable
from tests.reference.markdown import wrap

_TOML_TYPES = {
    str: "a string",
    int: "an integer",
    bool: "a boolean",
    list: "an array of strings, or a string",
    dict: "a table of strings, or a string",
}
_NOT_WRAPPED = ("<!--", "#", "```", "- ", "1.")
_CONFIGURATION = """\
<!-- Written by scripts/reference from portal/config and tests/reference/configuration.py. -->

# Configuration

The portal reads its configuration when it starts, and the file, credentials and secrets again after SIGHUP.
All commands under `daypass portal` read the same sources:

1. environment variables
2. systemd credentials, for secrets
3. the configuration file
4. the default

The first source that has a value wins. A value that is empty counts as not set. `daypass portal config
check` prints all errors, and each value with its source; `--format json` is for programs. It exits with 1
if `serve` would not start.

## The file

`DAYPASS_CONFIG` names a TOML file; it must exist. Without `DAYPASS_CONFIG`, the portal reads
`/etc/daypass/daypass.toml` if there is one; `DAYPASS_CONFIG=/dev/null` prevents that. The keys are the
variables' names in lower case, without `DAYPASS_`. The full names are accepted too, so that the lines of an
environment file can be moved, with quotes around their values. The only tables are those of [identity
providers](#identity-providers).

```toml
# /etc/daypass/daypass.toml
aws_region = "eu-central-1"
public_url = "https://portal.example.com"
behind_proxy = true
trusted_proxies = ["10.0.0.5", "192.168.0.0/24"]
threads = 64
database_url_file = "/etc/daypass/database-url"
```

A string is accepted for every key, and validated like an environment variable. Relative paths start at the
working directory of the process. An unknown key, a wrong type and invalid TOML are errors, with the line.

## Secrets

A secret can be a value, or the only line of a file:

- `DAYPASS_DATABASE_URL_FILE` and `DAYPASS_METRICS_TOKEN_FILE` name a file by its absolute path, as
  `database_url_file` and `metrics_token_file` do in the configuration file. A line break at the end is
  ignored. Setting both the variable and its file is an error.
- `DAYPASS_PROVIDER_<NAME>_CLIENT_SECRET` has `_FILE`, `client_secret_file` and a credential too.
- systemd passes a credential to the service:
  `LoadCredential=daypass_database_url:/etc/daypass/database-url`. The portal finds it by its name, in lower
  case, in `$CREDENTIALS_DIRECTORY`.

A file with a secret that every user of the machine can read or change is refused: run `chmod o= FILE`. So
is a configuration file that has a secret itself. Access by the group is allowed. In Kubernetes, secrets are
mounted with the mode 0644; set `defaultMode: 0440` for the volume and `fsGroup` for the pod. In a Compose
file for Swarm, set `mode: 0440`.

Other variables have no `_FILE`: `DAYPASS_TLS_CERTIFICATE` and `DAYPASS_TLS_KEY` are paths themselves.

## Names

The portal refuses to start if the name of an environment variable is similar to one of its own. Other names
that begin with `DAYPASS_` cause a warning, because they may belong to a newer version. In the file, every
unknown key is an error.
"""


_PROVIDERS = """\
## Identity providers

Each OpenID Connect provider is a table in the configuration file, a set of environment variables, or both;
the environment wins for each key. [Sign-in with an identity provider](../guides/identity-providers.md) says
what to register there.

```toml
[providers.company-sso]
issuer = "https://login.example.com"
client_id = "daypass"
client_secret_file = "/etc/daypass/company-sso"
creates_users = true
```

The name has 1 to 64 lower-case letters and digits, with single hyphens between them; `password` is reserved.
Sessions, linked accounts and addresses have it, so do not change it later. In the environment it is in upper
case, with underscores for hyphens: `DAYPASS_PROVIDER_COMPANY_SSO_ISSUER`. The sign-in page offers the
providers of the file in its order, then the others by name. All keys of a provider are read again after
SIGHUP.
"""


def configuration_page() -> str:
    """Return the page of all configuration variables, in Markdown."""
    paragraphs = _wrapped(_CONFIGURATION)
    for heading, variables in SECTIONS.items():
        paragraphs.append(f"## {heading}")
        for variable in variables:
            paragraphs += _variable(variable)
    paragraphs += _wrapped(_PROVIDERS)
    for key in PROVIDER_KEYS:
        paragraphs += _key(key)
    return "\n\n".join(paragraphs) + "\n"


def _wrapped(text: str) -> list[str]:
    return [
        paragraph if paragraph.startswith(_NOT_WRAPPED) else wrap(paragraph)
        for paragraph in text.rstrip().split("\n\n")
    ]


def _key(key: ProviderKey[Any]) -> Sequence[str]:
    name = written_name(key)
    facts = [f"- Values: {key.type.takes}"]
    if key.default is None:
        facts.append("- Default: none; it must be set")
    elif key.default or "By default" not in key.help:
        facts.append(f"- Default: {f'`{key.default}`' if key.default else 'none'}")
    facts += [f"- In the file: `{key.key}`, {_TOML_TYPES[key.type.toml]}", f"- In the environment: `{name}`"]
    if key.mask is not None:
        facts.append(
            f"- Secret: `{written_name(key, is_file=True)}`, or `{key.key}_file` in the file, names a file "
            f"with it; the systemd credential is `daypass_provider_<name>_{key.key}`"
        )
    return f"### `{key.key}`", wrap(key.help), "\n".join(facts)


def _variable(variable: Variable[Any]) -> Sequence[str]:
    if variable.default is None:
        default = "none; it must be set"
    else:
        default = f"`{variable.default}`" if variable.default else "none"
    facts = [f"- Values: {variable.takes}"]
    # A default that depends on other values is in the help.
    if variable.default or "By default" not in variable.help:
        facts.append(f"- Default: {default}")
    if variable is not CONFIG:
        facts.append(f"- In the file: `{variable.key}`, {_TOML_TYPES[variable.type.toml]}")
    if variable.is_secret:
        facts.append(
            f"- Secret: `{variable.file_name}`, or `{variable.key}_file` in the file, names a file with it; "
            f"the systemd credential is `{variable.credential}`"
        )
    return f"### `{variable.name}`", wrap(variable.help), "\n".join(facts)
