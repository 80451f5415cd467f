"""A user lists identity and tenants, and opens the console, from the command line."""

import json

from daypass.demo.http_client import browse
from tests.journeys.terminal import Done, Terminal, json_output

DANA = "dana@example.com"


def daypass(terminal: Terminal, command: str, *words: str) -> Done:
    access = ("--host", terminal.demo.portal_url, "--ca-file", terminal.demo.ca_file)
    return terminal.run("daypass", command, *access, *words, DAYPASS_TOKEN=terminal.demo.token(DANA))


def test_identity_tenants_and_sessions_are_those_of_the_user(terminal: Terminal) -> None:
    before = json_output(daypass(terminal, "sessions", "--output", "json", "--limit", "200"))
    json_output(daypass(terminal, "aws", "--tenant", "dev01"))

    tenants = json_output(daypass(terminal, "tenants", "--output", "json"))
    whoami = json_output(daypass(terminal, "whoami", "--output", "json"))
    sessions = json_output(daypass(terminal, "sessions", "--output", "json", "--limit", "200"))

    assert {tenant["name"] for tenant in tenants} == {"dev01", "prod01"}
    assert whoami["me"]["username"] == DANA
    assert [kept["what"] for kept in whoami["cached"]] == ["tenant dev01"]
    # Other tests may get sessions of the same user meanwhile, so this one need not be the newest.
    new = [session for session in sessions if session not in before]
    assert ("dev01", "keys", "api") in {(one["tenant"], one["purpose"], one["door"]) for one in new}


def test_the_console_opens_at_a_bucket(terminal: Terminal) -> None:
    bucket = terminal.demo.tenants["dev01"]["buckets"][0]

    link = daypass(terminal, "web", "--tenant", "dev01", "--print", f"arn:aws:s3:::{bucket}")

    assert link.returncode == 0, link.stderr
    page = browse(link.stdout.strip())
    assert bucket in page
    assert f"duploservices-dev01/{DANA}" in page


def test_doctor_reports_no_problem_on_a_working_machine(terminal: Terminal) -> None:
    ran = daypass(terminal, "doctor", "--output", "json")

    findings = json.loads(ran.stdout)
    assert [finding for finding in findings if finding["state"] == "bad"] == []
    assert ran.returncode == 0
    assert {"portal", "name", "certificate", "version", "clock", "sign-in"} <= {
        finding["about"] for finding in findings
    }
