"""What the process is started with: the environment, read once, and refused with the variable's name."""

from dataclasses import dataclass
from pathlib import Path


class ConfigError(Exception):
    """A variable is missing or wrong; the message names it and says what it takes."""


@dataclass(frozen=True, slots=True)
class AwsConfig:
    """Where AWS is, and what the portal's roles are called there."""

    region: str
    partition: str
    role_prefix: str
    master_role: str
    endpoint_url: str | None
    signin_url: str | None
    console_url: str | None


@dataclass(frozen=True, slots=True)
class PortalConfig:
    """How one portal process runs."""

    database_url: str
    public_url: str
    host: str
    port: int
    certificate: Path | None
    private_key: Path | None
    is_behind_proxy: bool
    threads: int
    require_attribution: bool
    aws: AwsConfig

    @property
    def serves_tls(self) -> bool:
        """Whether this process itself speaks TLS."""
        return self.certificate is not None
