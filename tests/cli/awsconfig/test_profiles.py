"""Writing and pruning profiles in an AWS config file, with every other byte unchanged."""

import configparser
import io
import re
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from daypass.cli.awsconfig.profiles import MARK, Config, Profile
from daypass.cli.runtime.errors import UsageError

DEV = Profile("dev01", "daypass aws --host https://portal.example.com --tenant dev01", "us-west-2")

WRITTEN = (
    f"[profile dev01]\n{MARK}\nregion = us-west-2\n"
    "credential_process = daypass aws --host https://portal.example.com --tenant dev01\n"
)

FILES = {
    "nothing": "",
    "only blanks": "\n\n",
    "only a comment": "# my profiles",
    "a default profile": "[default]\nregion = eu-central-1\noutput = json\n",
    "no newline at the end": "[default]\nregion = eu-central-1",
    "windows": "[default]\r\nregion = eu-central-1\r\n\r\n[profile other]\r\nregion = us-east-1\r\n",
    "old macintosh": "[default]\rregion = eu-central-1\r",
    "mixed newlines": "[default]\r\nregion = eu-central-1\n[profile other]\r\noutput = text\n",
    "comments everywhere": (
        "; the first\n# the second\n[default] # trailing\n# inside\n"
        "region = eu-central-1 ; kept\n\n# the last\n"
    ),
    "an sso session": (
        "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n"
        "sso_registration_scopes = sso:account:access\n\n"
        "[profile corp]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Reader\n"
    ),
    "services": (
        "[profile local]\nservices = local\nregion = us-east-1\n\n[services local]\n"
        "dynamodb =\n  endpoint_url = http://127.0.0.1:8000\ns3 =\n    endpoint_url = http://127.0.0.1:9000\n"
    ),
    "nested values": (
        "[profile fast]\ns3 =\n  max_concurrent_requests = 20\n  # a comment\n  addressing_style = path\n"
        "region=us-east-1\n"
    ),
    "a header inside a value": "[profile odd]\ns3 =\n  [profile dev01]\n  x = y\nregion = us-east-1\n",
    "tabs and no blanks": "[profile a]\nregion\t=\tus-east-1\noutput=json\n[profile b]\nregion=us-east-2\n",
    "colons": "[profile a]\nregion: us-east-1\noutput : text\n",
    "quoted names": "[profile \"my name\"]\nregion = us-east-1\n[profile 'other name']\nregion = us-east-2\n",
    "unicode": "# für Müller — 本番\n[profile büro]\nregion = eu-central-1\ncli_pager = ☂\n",
    "bytes that are no utf-8": "# caf\udce9\n[default]\nregion = eu-central-1\n",
    "a byte order mark": "\ufeff[default]\nregion = eu-central-1\n",
    "separators that are no newlines": "# a\u2028b\x0bc\x0cd\x85e\n[default]\nregion = eu-central-1\n",
    "a role chain": (
        "[profile base]\ncredential_source = Ec2InstanceMetadata\n\n[profile deep]\n"
        "role_arn = arn:aws:iam::123456789012:role/deep\nsource_profile = base\n"
    ),
    "duploctl's own": (
        "[profile portal]\nregion = us-west-2\n"
        "credential_process = duploctl jit aws --host https://portal.example.com --admin\n"
    ),
    "plugins and a toggle": "[plugins]\ncli_legacy_plugin_path = /opt\n[preview]\ncloudfront = true\n",
    "much room": "\n\n[default]\n\n\nregion = eu-central-1\n\n\n\n",
}


def as_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def with_profile(content: bytes, profile: Profile) -> bytes:
    config = Config(content)
    config.put(profile)
    return config.to_bytes()


def pruned(content: bytes) -> bytes:
    config = Config(content)
    config.prune(lambda _: True)
    return config.to_bytes()


def is_woven_into(foreign: bytes, whole: bytes) -> bool:
    """Return whether every line of *foreign* is in *whole*, in the same order."""
    rest = iter(whole.splitlines(keepends=True))
    return all(
        any(line in (kept, kept.rstrip(b"\r\n")) for kept in rest) for line in foreign.splitlines(True)
    )


def parsed(content: bytes) -> dict[str, dict[str, str]]:
    """Return the file as parsed by the AWS CLI's own parser."""
    parser = configparser.RawConfigParser(default_section="")
    text = content.decode("utf-8", "surrogateescape")
    parser.read_file(io.StringIO(text, newline=None))
    return {name: dict(parser.items(name)) for name in parser.sections()}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_a_new_profile_is_appended_and_all_other_bytes_stay(text: str) -> None:
    before = as_bytes(text)

    after = with_profile(before, DEV)

    assert after.startswith(before)
    first = re.search(r"\r\n|\n|\r", text)
    assert after.endswith(as_bytes(WRITTEN.replace("\n", first[0] if first else "\n")))


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_writing_is_idempotent_and_pruning_restores_the_file(text: str) -> None:
    before = as_bytes(text)

    once = with_profile(before, DEV)

    assert with_profile(once, DEV) == once
    rest = pruned(once)
    assert rest.startswith(before)
    assert rest[len(before) :].strip() == b""


@pytest.mark.parametrize("text", [text for text in FILES.values() if "\ufeff" not in text])
def test_the_aws_cli_s_parser_sees_only_the_new_profile_as_a_change(text: str) -> None:
    before = parsed(as_bytes(text))

    after = parsed(with_profile(as_bytes(text), DEV))

    assert after.pop("profile dev01") == {"region": "us-west-2", "credential_process": DEV.command}
    assert after == before


def test_only_the_command_of_an_existing_profile_changes() -> None:
    text = (
        "# mine\n[profile dev01] # keep\nregion=eu-west-1\n# why\n"
        "credential_process: duploctl jit aws --tenant x\n  and a second line\n"
        "output = text\n\n# of the next one\n[profile other]\nregion = us-east-1\n"
    )

    after = with_profile(text.encode(), DEV).decode()

    old = "credential_process: duploctl jit aws --tenant x\n  and a second line\n"
    assert after == text.replace(old, f"credential_process = {DEV.command}\n")


def test_a_region_is_added_if_missing_and_overwritten_only_on_demand() -> None:
    bare, set_already = b"[profile dev01]\noutput = json\n", b"[profile dev01]\nregion = eu-west-1\n"
    moved = Config(set_already)
    moved.put(DEV, overwrites_region=True)

    assert b"output = json\nregion = us-west-2\ncredential_process" in with_profile(bare, DEV)
    assert b"region = eu-west-1\ncredential_process" in with_profile(set_already, DEV)
    assert b"region = us-west-2" in moved.to_bytes()


def test_the_headers_of_the_default_profile_and_of_names_with_blanks() -> None:
    default = with_profile(b"", Profile("default", "daypass aws", None))
    blank = with_profile(b"", Profile("my name", "daypass aws", None))

    assert default.startswith(b"[default]\n")
    assert blank.startswith(b'[profile "my name"]\n')
    assert with_profile(blank, Profile("my name", "daypass aws", None)) == blank


def test_a_duplicate_profile_is_not_changed() -> None:
    with pytest.raises(UsageError, match="twice"):
        with_profile(b"[profile dev01]\na = b\n[profile dev01]\n", DEV)


def test_pruning_keeps_the_user_s_profiles_and_settings() -> None:
    ours = with_profile(b"", DEV).decode()
    by_hand = "[profile hand]\ncredential_process = daypass aws --tenant dev01\n"
    added = ours.replace("[profile dev01]\n", "[profile dev01]\n# note\ns3 =\n  addressing_style = path\n")
    config = Config((by_hand + added).encode())

    assert list(config.prune(lambda _: True)) == ["dev01"]

    assert config.to_bytes().decode() == (
        by_hand + "[profile dev01]\n# note\ns3 =\n  addressing_style = path\nregion = us-west-2\n"
    )


def test_pruning_removes_only_our_profiles_that_are_gone() -> None:
    both = with_profile(with_profile(b"", DEV), Profile("prod01", "daypass aws --tenant prod01", None))
    config = Config(both)

    gone = config.prune(lambda command: command.endswith("prod01"))

    assert gone == {"prod01": "daypass aws --tenant prod01"}
    assert config.to_bytes().startswith(WRITTEN.encode())


LINES = st.sampled_from(
    [
        *("", "  ", "# c", "; c", "  # c", "é = ü", "\udce9", "= v", "no value"),
        *("[default]", "[profile a]", "[ profile a ]", "[profile 'b c']", "[x", "  [profile dev01]"),
        *(
            "[services s]",
            "[sso-session s]",
            "region = r",
            "region=r",
            "s3 =",
            "  k = v",
            "\tk = v",
            "output: o",
        ),
        "credential_process = duploctl jit aws",
    ]
)
NEWLINES = st.sampled_from(["\n", "\r\n", "\r"])
TEXTS = st.lists(st.tuples(LINES, NEWLINES)).map(lambda lines: "".join(line + end for line, end in lines))


@given(TEXTS, st.booleans())
def test_any_content_of_the_file_is_kept(text: str, ends_bluntly: bool) -> None:
    assume(text.count("[profile dev01]") < 2)
    before = as_bytes(text.rstrip("\r\n") if ends_bluntly else text)
    there = Config(before).find("dev01")
    # Taking over duploctl's command is tested elsewhere.
    assume(there is None or there.value("credential_process") is None)

    after = with_profile(before, DEV)

    assert Config(before).to_bytes() == before
    if there is None:
        assert after.startswith(before)
    else:
        assert is_woven_into(before, after)
    found = Config(after).find("dev01")
    assert found is not None
    assert found.value("credential_process") == DEV.command
    assert with_profile(after, DEV) == after


@given(TEXTS)
def test_every_section_ends_where_the_next_begins(text: str) -> None:
    sections = Config(as_bytes(text)).sections

    assert as_bytes("".join("".join(section.lines) for section in sections)) == as_bytes(text)
    assert all(after.header is not None for _, after in pairwise(sections))
