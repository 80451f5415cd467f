"""The configuration of identity providers: tables of the file, environment variables, and their rules."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from daypass.portal.config import provider_variables as p
from daypass.portal.config.effective import effective_values
from daypass.portal.config.masking import hide
from daypass.portal.config.model import PasswordSignIn, PortalConfig
from daypass.portal.config.provider_variables import (
    PROVIDER_KEYS,
    ProviderKey,
    variable_named,
    variables_of,
)
from daypass.portal.config.providers import GroupSource, ProviderConfig
from daypass.portal.config.reader import read_config
from daypass.portal.config.values import Source, Values
from daypass.portal.config.variables import ConfigError
from daypass.portal.secret import Secret
from daypass.portal.unknown_variables import unknown_names

CANARY = "canary-canary-canary"
ISSUER = "https://login.example.com"
BASE = {"DAYPASS_AWS_REGION": "eu-central-1"}
OKTA = {"DAYPASS_PROVIDER_OKTA_ISSUER": ISSUER, "DAYPASS_PROVIDER_OKTA_CLIENT_ID": "daypass"}
TABLE = f'[providers.okta]\nissuer = "{ISSUER}"\nclient_id = "daypass"\n'
EXAMPLES: Mapping[ProviderKey[Any], str] = {
    p.LABEL: "Example",
    p.ISSUER: ISSUER,
    p.CLIENT_ID: "daypass",
    p.CLIENT_SECRET: CANARY,
    p.SCOPES: "openid groups",
    p.ALGORITHMS_KEY: "ES256",
    p.REQUIRED_CLAIMS: "hd=example.com,acct=0",
    p.EMAIL_DOMAINS: "Example.com,example.org",
    p.CREATES_USERS: "true",
    p.USERNAME_CLAIM: "email",
    p.LINKS_BY_EMAIL: "true",
    p.GROUPS: "claim",
    p.GROUPS_CLAIM: "https://example.com/groups",
    p.MAKES_ADMINISTRATORS: "true",
    p.EXTERNAL_ID_CLAIM: "oid",
    p.ACR_VALUES: "urn:okta:loa:2fa:any phr",
    p.SENDS_ID_TOKEN_HINT: "true",
}


def write(folder: Path, text: str, mode: int = 0o640) -> Path:
    file = folder / "daypass.toml"
    file.write_text(text)
    file.chmod(mode)
    return file


def read(folder: Path, text: str = "", mode: int = 0o640, /, **environ: str) -> PortalConfig:
    return read_config({**BASE, "DAYPASS_CONFIG": str(write(folder, text, mode)), **environ})


def refusal(folder: Path, text: str = "", mode: int = 0o640, /, **environ: str) -> str:
    with pytest.raises(ConfigError) as refused:
        read(folder, text, mode, **environ)
    return str(refused.value)


def test_every_key_may_be_in_the_file_or_in_the_environment(tmp_path: Path) -> None:
    expected = ProviderConfig(
        name="company-sso",
        issuer=ISSUER,
        client_id="daypass",
        client_secret=Secret(CANARY),
        label="Example",
        scopes=("openid", "groups"),
        username_claim="email",
        email_domains=frozenset({"example.com", "example.org"}),
        required_claims={"hd": "example.com", "acct": "0"},
        creates_users=True,
        links_by_email=True,
        external_id_claim="oid",
        groups=GroupSource.CLAIM,
        groups_claim="https://example.com/groups",
        makes_administrators=True,
        acr_values=("urn:okta:loa:2fa:any", "phr"),
        algorithms=("ES256",),
        sends_id_token_hint=True,
    )
    lines = "".join(f'{key.key} = "{text}"\n' for key, text in EXAMPLES.items())
    environ = {key.of("company-sso").name: text for key, text in EXAMPLES.items()}
    moved = "".join(f'{name} = "{text}"\n' for name, text in environ.items())

    assert list(EXAMPLES) == list(PROVIDER_KEYS)
    assert read(tmp_path, f"[providers.company-sso]\n{lines}").providers == (expected,)
    assert read(tmp_path, "", **environ).providers == (expected,)
    assert read(tmp_path, moved).providers == (expected,)


def test_a_provider_needs_only_issuer_and_client_id(tmp_path: Path) -> None:
    assert read(tmp_path, TABLE).providers == (ProviderConfig("okta", ISSUER, "daypass"),)
    assert read(tmp_path).providers == ()


def test_the_types_of_toml_are_accepted(tmp_path: Path) -> None:
    text = (
        'creates_users = true\nscopes = ["openid", "groups"]\nemail_domains = ["example.com"]\n'
        'required_claims = {hd = "a,b", "https://example.com/x" = "="}\n'
    )

    (provider,) = read(tmp_path, TABLE + text).providers

    assert provider.creates_users
    assert provider.scopes == ("openid", "groups")
    assert provider.required_claims == {"hd": "a,b", "https://example.com/x": "="}


def test_the_environment_wins_for_each_key(tmp_path: Path) -> None:
    (provider,) = read(
        tmp_path,
        TABLE + 'label = "File"\n',
        DAYPASS_PROVIDER_OKTA_LABEL="Environment",
        DAYPASS_PROVIDER_OKTA_CLIENT_ID=" ",
    ).providers

    assert (provider.label, provider.client_id) == ("Environment", "daypass")


def test_providers_are_in_the_order_of_the_file_then_by_name(tmp_path: Path) -> None:
    tables = TABLE.replace("okta", "zeta") + TABLE + TABLE.replace("okta", "alpha")
    environ = {
        p.ISSUER.of(name).name.replace("ISSUER", key): value
        for name in ("y", "b", "okta")
        for key, value in (("ISSUER", ISSUER), ("CLIENT_ID", "x"))
    }

    config = read(tmp_path, tables, **environ)

    assert [provider.name for provider in config.providers] == ["zeta", "okta", "alpha", "b", "y"]


def test_the_client_secret_is_read_from_a_file_or_a_credential(tmp_path: Path) -> None:
    secret = tmp_path / "daypass_provider_company_sso_client_secret"
    secret.write_text(CANARY + "\n")
    secret.chmod(0o440)
    table = TABLE.replace("okta", "company-sso")

    for text, environ in (
        (f"client_secret_file = '{secret}'", {}),
        ("", {"DAYPASS_PROVIDER_COMPANY_SSO_CLIENT_SECRET_FILE": str(secret)}),
        ("", {"CREDENTIALS_DIRECTORY": str(tmp_path)}),
    ):
        (provider,) = read(tmp_path, table + text, 0o644, **environ).providers
        assert provider.client_secret == Secret(CANARY)


def test_a_client_secret_is_protected_as_other_secrets_are(tmp_path: Path) -> None:
    line = f"client_secret = '{CANARY}'\n"
    exposed = refusal(tmp_path, TABLE + line, 0o644)
    twice = refusal(tmp_path, TABLE + line + "client_secret_file = '/x'")

    place = f"providers.okta.client_secret in {tmp_path}/daypass.toml (line 4)"
    assert exposed.startswith(f"{place} is a secret, and every user of this machine can read or change it")
    assert twice == f"{place} is set, and providers.okta.client_secret_file is too. Keep one of them."
    assert CANARY not in repr(read(tmp_path, TABLE + line))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "isuer = 'x'",
            "providers.okta.isuer AT (line 4) is not a key of the configuration. Did you mean issuer?",
        ),
        (
            "client_secret_fil = 'x'",
            "providers.okta.client_secret_fil AT (line 4) is not a key of the configuration. Did you mean "
            "client_secret_file? It takes the absolute path of a file.",
        ),
        (
            "zzz = 1",
            "providers.okta.zzz AT (line 4) is not a key of the configuration. A provider has label, ",
        ),
        ("creates_users = 1", "providers.okta.creates_users AT (line 4) is an integer, which has the wrong"),
        ("scopes = {a = 'b'}", "providers.okta.scopes AT (line 4) is a table, which has the wrong type."),
        ("required_claims = {hd = 1}", "providers.okta.required_claims AT (line 4) is a table, which has"),
        ("[providers.okta.zzz]\na = 1", "providers.okta.zzz AT is not a key of the configuration."),
        ("[providers.Okta]\nlabel = 'x'", "providers.Okta AT is not the name of a table with 1 to 64 lower"),
        (
            "[providers.a_b]\nlabel = 'x'",
            "providers.a_b AT is not the name of a table with 1 to 64 lower-case",
        ),
        ("[providers]\nzzz = 1", "providers.zzz AT (line 5) is not a table, as in [providers.company-sso]."),
        (
            "[provider.x]\nlabel = 'x'",
            "provider AT (line 4) is not a key of the configuration. The only tables",
        ),
        (
            "scopes = 'email'",
            "providers.okta.scopes AT (line 4) takes scopes with commas or spaces between them, ",
        ),
        ("scopes = 'openid offline_access'", "providers.okta.scopes AT (line 4) takes scopes with commas"),
        (
            "algorithms = 'HS256'",
            "providers.okta.algorithms AT (line 4) has an invalid value. It takes any of RS256",
        ),
        ("algorithms = 'none'", "providers.okta.algorithms AT (line 4) has an invalid value."),
        ("email_domains = '@example.com'", "providers.okta.email_domains AT (line 4) has an invalid value."),
        ("required_claims = 'hd'", "providers.okta.required_claims AT (line 4) has an invalid value."),
        ("required_claims = 'a=1,a=2'", "providers.okta.required_claims AT (line 4) has an invalid value."),
        ("required_claims = '{\"a\":1}'", "providers.okta.required_claims AT (line 4) has an invalid value."),
        ("client_secret = 'short'", "providers.okta.client_secret AT (line 4) has an invalid value."),
        (
            "makes_administrators = true",
            "providers.okta.makes_administrators AT (line 4) is true, but the provider has no groups.",
        ),
        (
            "groups_claim = 'x'",
            "providers.okta.groups_claim AT (line 4) is set, but the provider's groups do not",
        ),
        (
            "links_by_email = true",
            "providers.okta.links_by_email AT (line 4) is true, but the domains of the",
        ),
    ],
)
def test_an_error_names_file_line_and_key(tmp_path: Path, text: str, sentence: str) -> None:
    assert refusal(tmp_path, TABLE + text).startswith(sentence.replace("AT", f"in {tmp_path}/daypass.toml"))


@pytest.mark.parametrize(
    "issuer",
    [
        "http://127.0.0.1:1/x",
        "http://localhost:1",
        "http://[::1]:1",
        "https://example.com/",
        "https://login.microsoftonline.com/3f1c9f7e-0000-4000-8000-000000000000/v2.0",
        "https://example.com/common",
    ],
)
def test_an_issuer_is_kept_byte_for_byte(tmp_path: Path, issuer: str) -> None:
    config = read(tmp_path, TABLE, DAYPASS_PROVIDER_OKTA_ISSUER=issuer)

    assert config.providers[0].issuer == issuer


@pytest.mark.parametrize(
    ("issuer", "reason"),
    [
        ("http://example.com", "only a provider on this machine may be without TLS"),
        ("https://example.com?x=1", "It takes an https URL"),
        ("https://example.com#x", "It takes an https URL"),
        ("https://u@example.com", "It takes an https URL"),
        ("https://", "It takes an https URL"),
        ("example.com", "It takes an https URL"),
        ("ftp://example.com", "only a provider"),
        ("https://example.com/a b", "It takes an https URL"),
        (f"https://example.com/{'x' * 512}", "It takes an https URL"),
        ("https://example.com/.well-known/openid-configuration", "the portal adds /.well-known/openid-"),
        ("https://login.microsoftonline.com/common/v2.0", "accepts the users of every organization"),
        ("https://login.microsoftonline.com/Organizations/v2.0", "accepts the users of every organization"),
        ("https://login.microsoftonline.us/consumers", "accepts the users of every organization"),
        ("https://sts.windows.net/common/", "accepts the users of every organization"),
    ],
)
def test_an_issuer_that_cannot_be_trusted_is_refused_with_the_reason(
    tmp_path: Path, issuer: str, reason: str
) -> None:
    sentence = refusal(tmp_path, "", **{**OKTA, "DAYPASS_PROVIDER_OKTA_ISSUER": issuer})

    assert sentence.startswith("DAYPASS_PROVIDER_OKTA_ISSUER ")
    assert reason in sentence
    assert issuer not in sentence.replace("https://login.example.com", "")


def test_a_provider_without_issuer_is_refused_with_both_ways_to_set_it(tmp_path: Path) -> None:
    sentence = refusal(tmp_path, "", DAYPASS_PROVIDER_OKTA_CLIENT_ID="x")

    assert sentence.startswith(
        "The identity provider okta has no issuer. Set providers.okta.issuer in the configuration file, or "
        "DAYPASS_PROVIDER_OKTA_ISSUER. It takes an https URL"
    )
    assert "okta has no client_id" in refusal(tmp_path, f"[providers.okta]\nissuer = '{ISSUER}'")


def test_no_provider_has_the_name_of_the_portals_own_passwords(tmp_path: Path) -> None:
    assert "cannot have the name password" in refusal(tmp_path, TABLE.replace("okta", "password"))


def test_passwords_are_turned_off_only_with_a_provider(tmp_path: Path) -> None:
    off = {"DAYPASS_PASSWORDS": "break-glass"}

    assert read(tmp_path, TABLE, **off).password_sign_in is PasswordSignIn.BREAK_GLASS
    assert read(tmp_path, TABLE).password_sign_in is PasswordSignIn.ON
    assert refusal(tmp_path, **off).startswith("DAYPASS_PASSWORDS leaves users no way to sign in")
    assert "It takes on or break-glass." in refusal(tmp_path, "", DAYPASS_PASSWORDS="off")


def test_no_error_repeats_a_value(tmp_path: Path) -> None:
    wrong = (f"'x:{CANARY}\\n'", f'"x:{CANARY}\\t"', f"['{CANARY}\\n']", f"{{x = ['{CANARY}']}}", CANARY)
    sentences: list[str] = []
    for key in PROVIDER_KEYS:
        for text in wrong:
            sentences += _errors(tmp_path, f"[providers.okta]\n{key.key} = {text}")
        name = key.of("okta").name
        sentences += _errors(tmp_path, "", **{name: f"x:{CANARY}\x00:"}, **{f"{name}_FILE": CANARY})

    assert len(sentences) > 5 * len(PROVIDER_KEYS)
    assert [sentence for sentence in sentences if CANARY in sentence] == []


def _errors(folder: Path, text: str, **environ: str) -> Sequence[str]:
    try:
        read(folder, text, **environ)
    except ConfigError as refused:
        return [str(refused)]
    return []


def test_the_effective_values_of_a_provider_have_their_source_and_no_secret(tmp_path: Path) -> None:
    file = write(tmp_path, TABLE + f"client_secret = '{CANARY}'\nscopes = 'x:{CANARY}'")
    values = Values({**BASE, "DAYPASS_CONFIG": str(file), "DAYPASS_PROVIDER_OKTA_LABEL": "Example"})

    shown = {value.name: value for value in effective_values(values, None)}

    names = [variable.name for variable in variables_of(["okta"])]
    assert [name for name in shown if name.startswith("DAYPASS_PROVIDER_")] == names
    issuer, secret = shown[names[1]], shown["DAYPASS_PROVIDER_OKTA_CLIENT_SECRET"]
    assert (issuer.value, issuer.source, issuer.line) == (ISSUER, Source.FILE, 2)
    assert (secret.value, secret.source, secret.line) == (hide(""), Source.FILE, 4)
    assert shown["DAYPASS_PROVIDER_OKTA_LABEL"].source is Source.ENVIRONMENT
    assert shown["DAYPASS_PROVIDER_OKTA_GROUPS"].value == "none"
    assert not shown["DAYPASS_PROVIDER_OKTA_SCOPES"].is_valid
    assert CANARY not in repr(shown)


def test_the_name_of_a_provider_is_read_back_from_each_variable() -> None:
    for provider in ("okta", "company-sso", "a1-b2-c3", "client-id", "x-groups"):
        for variable in variables_of([provider]):
            found = variable_named(variable.name)
            assert found is not None
            assert (found.provider, found.short_key) == (provider, variable.short_key)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("DAYPASS_PROVIDER_OKTA_ISSUR", "DAYPASS_PROVIDER_OKTA_ISSUER"),
        ("DAYPASS_PROVDER_COMPANY_SSO_ISSUER", "DAYPASS_PROVIDER_COMPANY_SSO_ISSUER"),
        ("DAYPASS_PROVIDERS_OKTA_CLIENTID", "DAYPASS_PROVIDER_OKTA_CLIENT_ID"),
        ("DAY_PASS_PROVIDER_OKTA_LABEL", "DAYPASS_PROVIDER_OKTA_LABEL"),
        ("daypass_provider_okta_label", "DAYPASS_PROVIDER_OKTA_LABEL"),
        ("DAYPASS_PROVIDER_OKTA_LABEL_FILE", "DAYPASS_PROVIDER_OKTA_LABEL"),
        ("DAYPASS_PROVIDER_OKTA_CLIENT_SECRETS_FILE", "DAYPASS_PROVIDER_OKTA_CLIENT_SECRET_FILE"),
        ("DAYPASS_PROVIDER_ISSUER", "DAYPASS_PROVIDER_<NAME>_ISSUER"),
        ("DAYPASS_PROVIDER_A__B_ISSUER", "DAYPASS_PROVIDER_<NAME>_ISSUER"),
    ],
)
def test_a_misspelled_variable_is_refused_with_the_right_one(name: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{name} is not .* Did you mean {meant}\? It takes "):
        unknown_names([name])


def test_the_variables_of_providers_are_known() -> None:
    known = [variable.name for variable in variables_of(["okta", "company-sso"])]
    files = [f"{name}_FILE" for name in known if name.endswith("CLIENT_SECRET")]

    assert unknown_names([*known, *files]) == []
    assert unknown_names(["DAYPASS_PROVIDER_OKTA_NEWER"]) == ["DAYPASS_PROVIDER_OKTA_NEWER"]
