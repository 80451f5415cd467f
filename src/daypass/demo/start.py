"""Start and seed the AWS and the portal; the database is seeded while the AWS starts."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from daypass.demo.aws import Aws, Keys
from daypass.demo.certificate_authority import Certificates, ensure_certificates
from daypass.demo.environment import DemoEnvironment, Tenant
from daypass.demo.http_client import is_answering
from daypass.demo.processes import Child, ProcessGroup, choose_port
from daypass.demo.provider import NAME, DemoProvider, people, start_provider
from daypass.demo.seed.aws import seed_identities, seed_tenant
from daypass.demo.seed.fixtures import REGION, TENANTS, TenantPlan
from daypass.demo.seed.identities import link_people
from daypass.demo.seed.portal import database_url, seed_portal
from daypass.demo.seed.provisioning import provision_people
from daypass.demo.state_dir import StateDirectory
from daypass.portal.clock import utc_now
from daypass.portal.secret import Secret
from daypass.sandbox.config import DEFAULT_ACCOUNT
from daypass.sandbox.control_client import ControlClient

SANDBOX = "sandbox.json"
SCIM_FILE = "scim.token"


@dataclass(frozen=True, slots=True)
class DemoPorts:
    """The ports of the demo's servers; 0 means any free one."""

    portal: int = 0
    aws: int = 0
    provider: int = 0


def start(
    folder: StateDirectory,
    processes: ProcessGroup,
    ports: DemoPorts,
    *,
    has_history: bool = True,
    has_scim: bool = False,
) -> tuple[DemoEnvironment, Path]:
    """Return the running, seeded environment and the path of the certificate authority."""
    portal_port = choose_port(ports.portal, "--portal-port")
    provider_port = choose_port(ports.provider, "--provider-port", taken=portal_port)
    # Only checks that a given port is free: for 0 the sandbox chooses its own port and reports it.
    choose_port(ports.aws, "--aws-port")
    sandbox = _start_sandbox(folder, processes, ports.aws)
    certificates = ensure_certificates(folder, utc_now())
    portal_url, authority = f"https://localhost:{portal_port}", certificates.authority
    provider = start_provider(folder, processes, provider_port, portal_url, authority, has_scim=has_scim)
    accounts = seed_portal(folder, DEFAULT_ACCOUNT, portal_url, utc_now, has_history=has_history)
    _connect_people(folder, provider, has_scim=has_scim)
    plans = [TenantPlan(name, DEFAULT_ACCOUNT, accounts.tenants[name].external_id) for name in TENANTS]

    sandbox_data = _await_sandbox(folder, sandbox)
    endpoint_url = sandbox_data["endpoint_url"]
    root = Keys(sandbox_data["root_access_key_id"], Secret(sandbox_data["root_secret_access_key"]))
    aws = Aws(endpoint_url, root)
    portal_keys = seed_identities(aws, DEFAULT_ACCOUNT, plans)

    portal = _start_portal(folder, processes, portal_port, endpoint_url, portal_keys, certificates, provider)
    # The portal starts meanwhile, since it needs its identity and not the tenants' resources.
    tenants = {
        plan.name: Tenant(accounts.tenants[plan.name].id, plan, seed_tenant(aws, plan)) for plan in plans
    }
    trust = certificates.ssl_context()
    provider.process.wait_until(lambda: is_answering(provider.metadata_url, trust))
    portal.wait_until(lambda: is_answering(f"{portal_url}/readyz", trust))
    return DemoEnvironment(
        portal_url=portal_url,
        trust=trust,
        provider_url=provider.issuer,
        provider_variables=provider.variables,
        aws_endpoint_url=endpoint_url,
        aws=aws,
        root_keys=root,
        portal_keys=portal_keys,
        database_url=database_url(folder),
        tenants=tenants,
        accounts=accounts.users,
        has_scim=has_scim,
        move_clock=ControlClient(endpoint_url, sandbox_data["control_token"]).move_clock,
    ), authority


def _connect_people(folder: StateDirectory, provider: DemoProvider, *, has_scim: bool) -> None:
    link_people(database_url(folder), NAME, provider.issuer, people(), utc_now)
    if has_scim:
        token = provision_people(database_url(folder), NAME, people(), utc_now)
        folder.write(SCIM_FILE, token.reveal().encode())


def _start_sandbox(folder: StateDirectory, processes: ProcessGroup, port: int) -> Child:
    ready = folder.path / SANDBOX
    # A file of an earlier run would look as if the sandbox were ready.
    ready.unlink(missing_ok=True)
    options = ["--port", str(port), "--account", DEFAULT_ACCOUNT, "--region", REGION]
    return processes.start("sandbox", ["sandbox", *options, "--ready-file", str(ready)], {})


def _await_sandbox(folder: StateDirectory, sandbox: Child) -> dict[str, str]:
    ready = folder.path / SANDBOX
    sandbox.wait_until(ready.exists)
    sandbox_data: dict[str, str] = json.loads(ready.read_bytes())
    return sandbox_data


def _start_portal(
    folder: StateDirectory,
    processes: ProcessGroup,
    port: int,
    endpoint_url: str,
    keys: Keys,
    certificates: Certificates,
    provider: DemoProvider,
) -> Child:
    environment = {
        # The configuration file of a portal on this machine is not the demo's.
        "DAYPASS_CONFIG": os.devnull,
        "DAYPASS_DATABASE_URL": database_url(folder),
        "DAYPASS_PUBLIC_URL": f"https://localhost:{port}",
        "DAYPASS_LISTEN": f"127.0.0.1:{port}",
        "DAYPASS_TLS_CERTIFICATE": str(certificates.certificate),
        "DAYPASS_TLS_KEY": str(certificates.private_key),
        "DAYPASS_AWS_REGION": REGION,
        "DAYPASS_AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key.reveal(),
        **provider.variables,
    }
    return processes.start("portal", ["portal", "serve"], environment)
