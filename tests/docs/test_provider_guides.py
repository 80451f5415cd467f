"""The guides of identity providers: the portal accepts what they configure, under the name they register."""

import re
from pathlib import Path

import pytest

from daypass.portal.config.reader import read_config

FOLDER = Path(__file__).parents[2] / "docs" / "guides" / "identity-providers"
GUIDES = sorted(FOLDER.glob("*.md"))
PROVIDERS = {
    *("okta", "entra-id", "google-workspace", "keycloak"),
    *("auth0", "gitlab", "dex", "saml"),
}


def test_there_is_a_guide_for_each_provider() -> None:
    assert {guide.stem for guide in GUIDES} == PROVIDERS


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_the_portal_accepts_the_configuration_of_a_guide(guide: Path, tmp_path: Path) -> None:
    text = guide.read_text()
    (table,) = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    secret, file = tmp_path / "secret", tmp_path / "daypass.toml"
    secret.write_text("a-secret-of-the-client")
    file.write_text(re.sub(r'(?<=client_secret_file = ")[^"]+', str(secret), table))
    for path in (secret, file):
        path.chmod(0o640)

    config = read_config({"DAYPASS_AWS_REGION": "eu-central-1", "DAYPASS_CONFIG": str(file)})

    (provider,) = config.providers
    assert provider.client_secret is not None
    registered = set(re.findall(r"/sign-in/oidc/([^/`]+)/", text))
    assert registered <= {provider.name}


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_a_guide_says_what_was_tried_and_when(guide: Path) -> None:
    head = guide.read_text().split("\n## ")[0]

    assert re.search(r"^\*\*Tried:\*\* .*\b(November|December)\s2026\b", head, re.MULTILINE | re.DOTALL)
