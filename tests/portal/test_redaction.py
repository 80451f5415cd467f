"""Redaction masks text that looks like a secret, and nothing else."""

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.identity import tokens as formats
from daypass.portal.identity.model import TokenKind
from daypass.portal.identity.tokens import mint
from daypass.portal.redaction import redacted
from daypass.portal.secret import Secret

SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SESSION_TOKEN = "IQoJb3JpZ2luX2VjEJr" + "AbC123+/" * 40
KEY_ID = "AKIAIOSFODNN7EXAMPLE"


MINTS = {
    **{kind.value: partial(mint, kind) for kind in TokenKind},
    **{name: value for name, value in vars(formats).items() if name.startswith("mint_")},
}
"""Every function that makes a secret, so that a new kind of them is masked too."""


@pytest.mark.parametrize("secret", MINTS.values(), ids=MINTS)
@pytest.mark.parametrize("text", ["{}", "a token: {}", "tenant={}&x=1", "“{}”", "{}."])
def test_a_token_keeps_its_prefix_and_nothing_else(secret: Callable[[], Secret], text: str) -> None:
    token = secret().reveal()
    prefix, _, rest = token.rpartition("_")

    assert redacted(text.format(token)) == text.format(f"{prefix}_[redacted]")
    assert rest[:20].lower() not in redacted(text.format(token.lower()))
    # A token that is cut at its end still begins like a token.
    assert rest[:10] not in redacted(text.format(token[:-10]))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (KEY_ID, "AKIA[redacted]"),
        (f"key {KEY_ID.replace('AKIA', 'ASIA')}, please", "key ASIA[redacted], please"),
        (KEY_ID.lower(), "akia[redacted]"),
        (SECRET_KEY, "[redacted]"),
        (f"AWS_SECRET_ACCESS_KEY={SECRET_KEY}", "AWS_SECRET_ACCESS_KEY=[redacted]"),
        (f"{KEY_ID}:{SECRET_KEY}", "AKIA[redacted]:[redacted]"),
        (SESSION_TOKEN, "[redacted]"),
        (f"token {SESSION_TOKEN} end", "token [redacted] end"),
    ],
)
def test_keys_of_aws_are_masked(text: str, left: str) -> None:
    assert redacted(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dev01",
        "deploy 4711",
        "dana@example.com",
        "daypass_pat_",
        "our daypass_cli_ tokens",
        "00000000-0000-0000-0000-00000000de01",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "arn:aws:iam::123456789012:role/duploservices-dev01",
        "arn:aws:iam::123456789012:role/Teams/Data7/AnalyticsForEveryRegion1",
        "https://grafana.example.com/d/team01/Overview",
        "asiapacificdepartment",
        "AKIAIOSFODNN7",
        "ThisIsALongWordWithoutAnyDigitThatHasForty",
    ],
)
def test_text_that_is_not_a_secret_is_unchanged(text: str) -> None:
    assert redacted(text) == text


@given(before=st.text(max_size=20), after=st.text(max_size=20))
def test_a_token_is_masked_anywhere_in_a_text_and_masking_is_idempotent(before: str, after: str) -> None:
    token = mint(TokenKind.PERMANENT).reveal()
    left = redacted(before + token + after)

    assert token not in left
    assert redacted(left) == left


KEY_IDS = [KEY_ID, KEY_ID.lower(), KEY_ID.replace("AKIA", "ASIA"), KEY_ID.replace("AKIA", "ASIA").lower()]
TOKENS = ["daypass_pat_a1b2c3d4", "DAYPASS_WEB_A1B2C3D4", "daypa\N{LATIN SMALL LETTER LONG S}s_tmp_a1b2c3d4"]
PIECES = st.text("adypsDKAI_iK7f/ :", max_size=12) | st.sampled_from([*KEY_IDS, *TOKENS, "arn:"])


@given(st.lists(PIECES, max_size=2).map("".join), st.booleans())
def test_a_short_text_and_an_arn_are_masked_as_a_long_text_is(text: str, is_arn: bool) -> None:
    text = "arn:" + text if is_arn else text
    # A letter outside ASCII selects the full search.
    assert (
        redacted(text + " \N{GREEK SMALL LETTER ALPHA}") == redacted(text) + " \N{GREEK SMALL LETTER ALPHA}"
    )


def test_a_token_with_a_letter_that_equals_another_when_case_is_ignored_is_masked() -> None:
    prefix = "daypa\N{LATIN SMALL LETTER LONG S}s_pat_"
    assert redacted(f"{prefix}a1b2c3d4") == f"{prefix}[redacted]"
