"""The generations of workers that `serve` starts: the first one, after SIGHUP, with a new certificate."""

import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from structlog.typing import FilteringBoundLogger

from daypass.portal.certificate import CertificateError, KeyPair, read_key_pair
from daypass.portal.clock import Clock, utc_now
from daypass.portal.config.model import LogConfig, MetricsConfig, PortalConfig
from daypass.portal.config.variables import LISTEN, METRICS_LISTEN, ConfigError
from daypass.portal.server.certificate_watch import ExpiryWarning, FileWatch
from daypass.portal.server.errors import ServeError
from daypass.portal.server.listening import bind, wait_for_predecessor
from daypass.portal.server.supervisor import Generation, Resource
from daypass.portal.server.worker_process import SupervisorLink
from daypass.portal.telemetry.multiprocess import WorkerMetrics

_RETRY_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Inputs:
    """The configuration, listening sockets and certificate with which the workers of a generation serve."""

    config: PortalConfig
    listening: socket.socket
    metrics_listening: socket.socket | None
    """The socket of the listener for metrics."""
    key_pair: KeyPair | None

    @property
    def resources(self) -> tuple[Resource, ...]:
        """The sockets and the certificate, which workers inherit."""
        return tuple(
            resource
            for resource in (self.listening, self.metrics_listening, self.key_pair)
            if resource is not None
        )


Work = Callable[[Inputs, SupervisorLink], int]


@dataclass(frozen=True, slots=True)
class _Made:
    """A generation's inputs, and the sources that a reload compares with them."""

    configured: PortalConfig
    """The configuration as it was read; its port may be 0."""
    inputs: Inputs
    watch: FileWatch


@dataclass(slots=True)
class Generations:
    """Makes generations from the configuration and the certificate's files."""

    workers: int
    read_configuration: Callable[[], PortalConfig]
    work: Work
    log: FilteringBoundLogger
    clock: Clock = utc_now
    metrics: WorkerMetrics = field(default_factory=WorkerMetrics)
    _current: _Made = field(init=False)
    _made: _Made = field(init=False)
    """The latest generation; it becomes the current one when it serves."""
    _expiry: ExpiryWarning = field(init=False)
    _is_half_replaced: bool = False
    _retry_at: datetime | None = None
    """The time at which a replaced certificate is tried again, unless it is in use by then."""

    def first(self, config: PortalConfig) -> Generation:
        """Return the first generation; raises `ServeError` for its certificate or an address."""
        watch, key_pair = _watch(config), _read_key_pair(config)
        patience = wait_for_predecessor(config.stop_timeout)

        def wait_for(host: str, port: int, variable: str) -> socket.socket:
            def warn() -> None:
                self.log.warning("The port is in use. Waiting for it.", host=host, port=port)

            return bind(host, port, patience, warn, variable=variable)

        listening = wait_for(config.host, config.port, LISTEN.name)
        metrics_listening = None
        if config.metrics.listen is not None:
            metrics_listening = wait_for(*config.metrics.listen, METRICS_LISTEN.name)
        generation = self._make(config, listening, metrics_listening, key_pair, watch)
        self._expiry = ExpiryWarning(self.log)
        self.accept(generation)
        return generation

    @property
    def public_url(self) -> str:
        """The portal's origin by the configuration in use."""
        return self._current.inputs.config.public_url

    @property
    def logs(self) -> LogConfig:
        """The level and form of log lines by the configuration in use."""
        return self._current.inputs.config.logs

    def reload(self) -> Generation:
        """Return a generation by the present configuration and files, or raise `ServeError`."""
        try:
            config = self.read_configuration()
        except ConfigError as error:
            raise ServeError(str(error)) from error
        watch, key_pair = _watch(config), _read_key_pair(config)
        with ExitStack() as opened:
            if key_pair is not None:
                opened.callback(key_pair.close)
            before, inputs = self._current.configured, self._current.inputs
            listening, metrics_listening = inputs.listening, inputs.metrics_listening
            if (config.host, config.port) != (before.host, before.port):
                listening = opened.enter_context(
                    _bind_beside(listening, config.host, config.port, LISTEN.name)
                )
            if config.metrics.listen != before.metrics.listen:
                metrics_listening = None
                if config.metrics.listen is not None:
                    held = inputs.metrics_listening
                    metrics_listening = _bind_beside(held, *config.metrics.listen, METRICS_LISTEN.name)
                    opened.enter_context(metrics_listening)
            generation = self._make(config, listening, metrics_listening, key_pair, watch)
            # From here on the generation owns them.
            opened.pop_all()
        return generation

    def poll(self) -> Generation | None:
        """Return a generation with the present configuration if the certificate was replaced, else None."""
        current, inputs = self._current, self._current.inputs
        if inputs.key_pair is None:
            return None
        self._warn_of_expiry()
        is_retry = self._retry_at is not None and self.clock() >= self._retry_at
        if not (current.watch.has_changed() or is_retry):
            return None
        self._retry_at = None
        try:
            key_pair = _read_key_pair(inputs.config)
        except ServeError as error:
            self._warn_of_half(str(error))
            return None
        self._is_half_replaced = False
        if key_pair is None:
            return None
        if key_pair.has_same_content(inputs.key_pair):
            key_pair.close()
            return None
        self.log.info("The certificate was replaced.", not_after=key_pair.not_after.isoformat())
        # A worker cannot start while the database is away, for example.
        self._retry_at = self.clock() + _RETRY_AFTER
        return self._make(
            current.configured, inputs.listening, inputs.metrics_listening, key_pair, current.watch
        )

    def accept(self, _generation: Generation) -> None:
        """Take the latest generation as the current one, and watch its certificate."""
        self._current = self._made
        self._is_half_replaced = False
        self._retry_at = None
        self._expiry.reset()
        self._warn_of_expiry()

    def _make(
        self,
        configured: PortalConfig,
        listening: socket.socket,
        metrics_listening: socket.socket | None,
        key_pair: KeyPair | None,
        watch: FileWatch,
    ) -> Generation:
        self._begin_metrics(configured)
        config = replace(configured, port=listening.getsockname()[1])
        inputs = Inputs(config, listening, metrics_listening, key_pair)
        self._made = _Made(configured, inputs, watch)
        return Generation(self.workers, partial(self.work, inputs), config.stop_timeout, inputs.resources)

    def _begin_metrics(self, config: PortalConfig) -> None:
        """Have the workers that are forked from now on record metrics if the configuration serves them."""
        if config.metrics == MetricsConfig():
            return
        try:
            self.metrics.begin()
        except OSError as error:
            raise ServeError(
                f"The metrics need a temporary directory that can be written to ({error.strerror}). "
                "Set TMPDIR, or RuntimeDirectory= in a unit of systemd."
            ) from error

    def _warn_of_expiry(self) -> None:
        config, key_pair = self._current.inputs.config, self._current.inputs.key_pair
        if config.certificate is not None and key_pair is not None:
            self._expiry.check(config.certificate, key_pair.not_after, self.clock())

    def _warn_of_half(self, reason: str) -> None:
        if not self._is_half_replaced:
            self._is_half_replaced = True
            self.log.warning(
                "The changed certificate cannot be used; the previous one stays in use.",
                reason=reason,
                remedy="Replace both files. The portal reads them when they match.",
            )


def _bind_beside(held: socket.socket | None, host: str, port: int, variable: str) -> socket.socket:
    """Return a socket that listens while *held* does; raises `ServeError` if it cannot be bound."""
    try:
        return bind(host, port, variable=variable)
    except ServeError as error:
        before, its_port = held.getsockname()[:2] if held is not None else ("", 0)
        if its_port != port:
            raise
        raise ServeError(
            f"{variable} cannot be changed from {before} to {host} with the same port {port} while the "
            "portal serves. Restart the portal, or choose another port."
        ) from error


def _watch(config: PortalConfig) -> FileWatch:
    """Return a watch of the certificate's files. It is made before they are read, to miss no change."""
    return FileWatch(tuple(path for path in (config.certificate, config.private_key) if path is not None))


def _read_key_pair(config: PortalConfig) -> KeyPair | None:
    if not (config.certificate and config.private_key):
        return None
    try:
        return read_key_pair(config.certificate, config.private_key)
    except CertificateError as error:
        raise ServeError(str(error)) from error
