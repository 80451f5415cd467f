"""The sources of configuration: the file, the environment, files of secrets and systemd credentials."""

import os
import re
from pathlib import Path

import pytest

from daypass.portal.config import variables as v
from daypass.portal.config.model import PortalConfig
from daypass.portal.config.reader import read_config
from daypass.portal.config.values import Source, Values
from daypass.portal.config.variables import VARIABLES, ConfigError
from daypass.portal.secret import Secret

REGION = 'aws_region = "eu-central-1"\n'
CANARY = "canary-canary-canary"
AT, UNKNOWN, WRONG = "in FILE (line 2)", "is not a key of the configuration.", "which has the wrong type."
EXPOSED = "has a secret, and every user of this machine can read or change it"


def write(path: Path, text: str, mode: int = 0o640) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def read(folder: Path, text: str, mode: int = 0o640, /, **environ: str) -> PortalConfig:
    return read_config(
        {"DAYPASS_CONFIG": str(write(folder / "daypass.toml", REGION + text, mode)), **environ}
    )


def refusal(folder: Path, text: str, mode: int = 0o640, /, **environ: str) -> str:
    with pytest.raises(ConfigError) as refused:
        read(folder, text, mode, **environ)
    return str(refused.value)


def test_the_file_has_the_names_of_the_environment_and_the_types_of_toml(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        'threads = 8\nbehind_proxy = true\nstop_timeout = "40"\nDAYPASS_LOG_LEVEL = "debug"\n'
        'trusted_proxies = ["10.0.0.5", "192.168.0.0/24"]\n',
    )

    assert (config.threads, config.is_behind_proxy, config.logs.level) == (8, True, "debug")
    assert config.stop_timeout.total_seconds() == 40
    assert [str(network) for network in config.trusted_proxies] == ["10.0.0.5/32", "192.168.0.0/24"]


def test_every_variable_may_be_in_the_file_by_either_of_its_names(tmp_path: Path) -> None:
    pem = str(write(tmp_path / "x.pem", ""))
    values = {
        v.DATABASE_URL: "sqlite:///other.db",
        v.AWS_REGION: "eu-central-1",
        v.TLS_CERTIFICATE: pem,
        v.TLS_KEY: pem,
        v.METRICS_TOKEN: CANARY,
        v.METRICS_LISTEN: "127.0.0.1:1",
        v.EXTRA_REGIONS: "nz-south-1",
    }
    stated = {each: values.get(each) or each.default or "http://127.0.0.1:1" for each in VARIABLES}
    del stated[v.CONFIG]
    environment = read_config({each.name: text for each, text in stated.items()})
    for names in ({each.key for each in stated}, {each.name for each in stated}):
        lines = (f'{each.key if each.key in names else each.name} = "{stated[each]}"\n' for each in stated)
        file = write(tmp_path / "all.toml", "".join(lines))

        assert read_config({"DAYPASS_CONFIG": str(file)}) == environment


def test_the_environment_wins_over_the_file_unless_it_is_empty(tmp_path: Path) -> None:
    assert read(tmp_path, "threads = 8\n", DAYPASS_THREADS="9").threads == 9
    assert read(tmp_path, "threads = 8\n", DAYPASS_THREADS=" ").threads == 8
    assert read(tmp_path, 'listen = ""\n').port == 8443


def test_only_a_file_that_is_named_must_exist(tmp_path: Path) -> None:
    absent = tmp_path / "absent.toml"
    environ = {"DAYPASS_AWS_REGION": "eu-central-1"}

    assert read_config(environ, absent) == read_config(environ)
    with pytest.raises(ConfigError, match=rf"^{absent} cannot be read \(No such file or directory\)\."):
        read_config({**environ, "DAYPASS_CONFIG": str(absent)})
    present = write(tmp_path / "daypass.toml", "threads = 8\n")
    assert read_config(environ, present).threads == 8
    assert read_config({**environ, "DAYPASS_CONFIG": os.devnull}, present).threads == 32


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("thread = 8", f"thread {AT} {UNKNOWN} Did you mean threads? It takes a whole number"),
        ("aws-region = 'x'", f"aws-region {AT} {UNKNOWN} Did you mean aws_region?"),
        ("DAYPASS_THREAD = 8", f"DAYPASS_THREAD {AT} {UNKNOWN} Did you mean DAYPASS_THREADS?"),
        ("metrics_token_fil = 'x'", f"metrics_token_fil {AT} {UNKNOWN} Did you mean metrics_token_file?"),
        ("zzz = 1", f"zzz {AT} is not a key of the configuration."),
        ("[zzz]\nthreads = 1", f"zzz {AT} {UNKNOWN} The only tables are [providers.NAME]."),
        (
            "[aws]\nregion = 'x'",
            f"aws {AT} {UNKNOWN} The only tables are [providers.NAME]. Did you mean aws_region?",
        ),
        ("config = '/x.toml'", f"config {AT} {UNKNOWN}"),
        ("threads_file = '/x'", f"threads_file {AT} {UNKNOWN}"),
        ("threads = true", f"threads {AT} is a boolean, {WRONG} It takes a whole number from 1 to 512."),
        ("threads = 8.0", f"threads {AT} is a float, {WRONG}"),
        ("threads = 2026-11-30", f"threads {AT} is a date or time, {WRONG}"),
        ("threads = 99999999999", f"threads {AT} is an integer, {WRONG}"),
        ("threads = 0", f"threads {AT} has an invalid value. It takes a whole number from 1 to 512."),
        ("threads = -1", f"threads {AT} has an invalid value."),
        ("behind_proxy = 1", f"behind_proxy {AT} is an integer, {WRONG}"),
        ("listen = 8443", f"listen {AT} is an integer, {WRONG} It takes ADDRESS:PORT"),
        ("listen = ['127.0.0.1:1']", f"listen {AT} is an array, {WRONG}"),
        ("trusted_proxies = [1]", f"trusted_proxies {AT} is an array, {WRONG}"),
        ("trusted_proxies = []", f"trusted_proxies {AT} is an array, {WRONG}"),
        ("log_level = {a = 1}", f"log_level {AT} is a table, {WRONG}"),
        (
            "log_level = 'loud'",
            f"log_level {AT} has an invalid value. It takes debug, info, warning or error.",
        ),
        (
            "metrics_token_file = 1",
            f"metrics_token_file {AT} is an integer, {WRONG} It takes the absolute path",
        ),
        ("DAYPASS_AWS_REGION = 'x'", f"DAYPASS_AWS_REGION {AT} is set twice, by its two names."),
        ("threads = 1\nthreads = 1", "FILE, at its end, is not valid TOML."),
        ("listen = 127.0.0.1:8443", "FILE, line 2, column 15, is not valid TOML. A line has the form"),
        ("listen = x\nthreads = 1", "FILE, line 2, column 10, is not valid TOML."),
        ("x = " + "[" * 2000, "FILE is not a configuration file"),
        ("x = " + "9" * 5000, "FILE is not a configuration file"),
    ],
)
def test_an_error_in_the_file_is_reported_with_its_place(tmp_path: Path, line: str, sentence: str) -> None:
    assert refusal(tmp_path, line).startswith(sentence.replace("FILE", f"{tmp_path}/daypass.toml"))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file, fifo = tmp_path / "daypass.toml", tmp_path / "fifo"
    os.mkfifo(fifo)
    file.write_bytes(b"\xff\xfe")
    large = write(tmp_path / "large.toml", "#" * 300_000)

    ours, theirs = os.openpty()
    terminal = Path(os.ttyname(theirs))

    for path, says in (
        (file, "is not UTF-8"),
        (fifo, "is not a regular file"),
        (tmp_path, "is not a regular file"),
        (large, "is larger than 256 KiB"),
        (Path("/dev/zero"), "is larger than 256 KiB"),
        (terminal, "cannot be read (Resource temporarily unavailable)"),
    ):
        with pytest.raises(ConfigError, match=re.escape(f"{path} {says}")):
            read_config({"DAYPASS_CONFIG": str(path)})
    os.close(ours)
    os.close(theirs)


def test_no_error_repeats_a_value(tmp_path: Path) -> None:
    texts = [
        f"{variable.key} = {value}"
        for variable in VARIABLES
        for value in (
            f"'postgres:{CANARY}:'",
            f"['{CANARY}\\n']",
            f"{{x = '{CANARY}'}}",
            CANARY,
            f"'{CANARY}",
        )
    ]
    sentences = []
    for text in texts:
        try:
            read(tmp_path, text)
        except ConfigError as refused:
            sentences.append(str(refused))
    for variable in VARIABLES:
        for name in (variable.name, variable.file_name):
            try:
                read(tmp_path, "", **{name: f"postgres:{CANARY}:"})
            except ConfigError as refused:
                sentences.append(str(refused))

    assert len(sentences) > 4 * len(VARIABLES)
    assert [sentence for sentence in sentences if CANARY in sentence] == []


def test_all_errors_are_reported_at_once(tmp_path: Path) -> None:
    sentences = refusal(tmp_path, "thread = 1\nlisten = 1\none_core = 'x'", DAYPASS_THREADS="0").splitlines()

    assert sentences[0] == "The configuration has 4 errors:"
    assert [sentence.split()[0] for sentence in sentences[1:]] == [
        "thread",
        "listen",
        "DAYPASS_THREADS",
        "one_core",
    ]


def test_a_file_may_begin_with_a_byte_order_mark_and_have_the_lines_of_windows(tmp_path: Path) -> None:
    file, token = tmp_path / "daypass.toml", tmp_path / "token"
    file.write_bytes(b'\xef\xbb\xbfaws_region = "eu-central-1"\r\nthreads = 8\r\n')
    token.write_bytes(b"\xef\xbb\xbf" + CANARY.encode() + b"\r\n")
    token.chmod(0o400)

    config = read_config({"DAYPASS_CONFIG": str(file), "DAYPASS_METRICS_TOKEN_FILE": str(token)})

    assert (config.threads, config.metrics.token) == (8, Secret(CANARY))


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_secret_is_read_from_a_file_that_the_environment_names(tmp_path: Path, ending: str) -> None:
    token = write(tmp_path / "token", CANARY + ending, 0o440)

    config = read(tmp_path, "", DAYPASS_METRICS_TOKEN_FILE=str(token))

    assert config.metrics.token == Secret(CANARY)


def test_a_secret_is_read_from_a_file_that_the_configuration_file_names(tmp_path: Path) -> None:
    url = write(tmp_path / "url", "postgresql://u:p@h/d\n", 0o400)
    text = f"database_url_file = '{url}'"

    assert read(tmp_path, text, 0o644).database_url == "postgresql://u:p@h/d"
    assert read(tmp_path, text, DAYPASS_DATABASE_URL="sqlite:///x").database_url == "sqlite:///x"


def test_a_systemd_credential_wins_over_the_file_and_the_environment_over_both(tmp_path: Path) -> None:
    write(tmp_path / "daypass_metrics_token", CANARY, 0o400)
    text = f"metrics_token = '{'x' * 16}'"
    credentials = {"CREDENTIALS_DIRECTORY": str(tmp_path)}

    assert read(tmp_path, text, **credentials).metrics.token == Secret(CANARY)
    assert read(tmp_path, text).metrics.token == Secret("x" * 16)
    winning = read(tmp_path, text, **credentials, DAYPASS_METRICS_TOKEN="y" * 16)
    assert winning.metrics.token == Secret("y" * 16)


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [
        ("", 0o600, "is empty"),
        (" \n", 0o600, "is empty"),
        (f"{CANARY}\n{CANARY}\n", 0o600, "has more than one line"),
        (f"{CANARY}\0", 0o600, "has more than one line, or characters that are not printable"),
        (CANARY, 0o644, f"{EXPOSED} (mode 0644). Run: chmod o= "),
        (CANARY, 0o602, f"{EXPOSED} (mode 0602). Run: chmod o= "),
    ],
)
def test_a_file_of_a_secret_that_cannot_be_used_is_refused(
    tmp_path: Path, content: str, mode: int, says: str
) -> None:
    token = write(tmp_path / "daypass_metrics_token", content, mode)

    by_name = refusal(tmp_path, "", DAYPASS_METRICS_TOKEN_FILE=str(token))
    by_key = refusal(tmp_path, f"metrics_token_file = '{token}'")
    by_systemd = refusal(tmp_path, "", CREDENTIALS_DIRECTORY=str(tmp_path))

    assert by_name.startswith(f"DAYPASS_METRICS_TOKEN_FILE: {token} {says}")
    assert by_key.startswith(f"metrics_token_file in {tmp_path}/daypass.toml (line 2): {token} {says}")
    assert by_systemd.startswith(f"The credential daypass_metrics_token: {token} {says}")
    assert CANARY not in by_name + by_key + by_systemd


def test_a_file_of_a_secret_must_exist_and_be_named_by_an_absolute_path(tmp_path: Path) -> None:
    missing = refusal(tmp_path, "", DAYPASS_DATABASE_URL_FILE=str(tmp_path / "missing"))
    relative = refusal(tmp_path, "", DAYPASS_DATABASE_URL_FILE="missing")

    assert (
        missing
        == f"DAYPASS_DATABASE_URL_FILE: {tmp_path}/missing cannot be read (No such file or directory)."
    )
    assert relative == "DAYPASS_DATABASE_URL_FILE takes the absolute path of a file."


def test_a_credential_that_cannot_be_looked_up_is_an_error(tmp_path: Path) -> None:
    sentence = refusal(tmp_path, "", CREDENTIALS_DIRECTORY=f"/{'x' * 300}")

    assert "The credential daypass_metrics_token: /xxx" in sentence
    assert "cannot be read (File name too long)." in sentence


def test_only_secrets_are_read_from_files(tmp_path: Path) -> None:
    assert read(tmp_path, "", DAYPASS_THREADS_FILE="/nowhere").threads == 32


def test_a_secret_and_its_file_are_not_both_set(tmp_path: Path) -> None:
    token = str(write(tmp_path / "token", CANARY))
    both = {"DAYPASS_METRICS_TOKEN": CANARY, "DAYPASS_METRICS_TOKEN_FILE": token}

    in_file = refusal(tmp_path, f"metrics_token = '{CANARY}'\nmetrics_token_file = '{token}'")

    assert refusal(tmp_path, "", **both).startswith(
        "DAYPASS_METRICS_TOKEN and DAYPASS_METRICS_TOKEN_FILE are both set."
    )
    assert "metrics_token_file is too. Keep one of them." in in_file


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o666, 0o606])
@pytest.mark.parametrize(
    "line", [f"metrics_token = '{CANARY}'", f"database_url = 'postgresql://u:{CANARY}@h/d'"]
)
def test_a_configuration_file_with_a_secret_must_not_be_readable_by_every_user(
    tmp_path: Path, mode: int, line: str
) -> None:
    sentence = refusal(tmp_path, line, mode)

    file = tmp_path / "daypass.toml"
    assert sentence.startswith(f"{line.split()[0]} in {file} (line 2) is a secret, and every user")
    assert f"(mode {mode:04o}). Run: chmod o= {file}" in sentence
    assert CANARY not in sentence
    assert read(tmp_path, line, 0o640).threads == 32


def test_a_configuration_file_without_secrets_may_be_readable_by_every_user(tmp_path: Path) -> None:
    assert read(tmp_path, "database_url = 'sqlite:////var/x.db'\nthreads = 8", 0o644).threads == 8


def test_a_secret_of_kubernetes_is_read_through_its_symbolic_links(tmp_path: Path) -> None:
    folder = tmp_path / "..2026_11_30"
    folder.mkdir()
    write(folder / "token", CANARY, 0o440)
    (tmp_path / "..data").symlink_to(folder.name)
    (tmp_path / "token").symlink_to("..data/token")

    config = read(tmp_path, "", DAYPASS_METRICS_TOKEN_FILE=str(tmp_path / "token"))

    assert config.metrics.token == Secret(CANARY)


def test_only_the_secrets_that_are_needed_are_read(tmp_path: Path) -> None:
    values = Values({"DAYPASS_METRICS_TOKEN_FILE": str(tmp_path / "missing")})

    assert values.find(v.DATABASE_URL).source is Source.DEFAULT
    with pytest.raises(ConfigError):
        values.find(v.METRICS_TOKEN)


def test_the_representation_of_the_configuration_has_no_secret(tmp_path: Path) -> None:
    config = read(tmp_path, f"metrics_token = '{CANARY}'\ndatabase_url = 'postgresql://u:{CANARY}@h/d'")

    assert CANARY not in repr(config)
