"""The checks of the demo: calls of the portal and of AWS as its users make them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any

from daypass.common.console.arn import parse
from daypass.common.console.pages import resource_page
from daypass.common.session_limits import MINIMUM_DURATION
from daypass.demo.aws import Aws, Keys
from daypass.demo.environment import DemoEnvironment, Tenant
from daypass.demo.http_client import Answer, browse
from daypass.demo.proof import Check, CheckFailed, CheckGroup
from daypass.demo.provider_checks import ProviderChecks
from daypass.demo.seed.fixtures import ADMIN, DANA, REGION, TenantPlan
from daypass.demo.seed.resource_types import RESOURCE_TYPES, ResourceType, require_refusal
from daypass.portal.secret import Secret

_CONSOLE_PAGES: Mapping[str, Callable[[TenantPlan], str]] = {
    "Lambda function": lambda plan: plan.function_arn,
    "log group": lambda plan: plan.log_group_arn,
}

Session = dict[str, Any]
"""The body of an answer of `POST /api/v1/sessions`."""


class DemoChecks:
    """The checks in groups; later checks use the sessions of earlier ones."""

    def __init__(self, environment: DemoEnvironment) -> None:
        self._environment = environment
        self._dana = environment.client_of(DANA.username)
        self._admin = environment.client_of(ADMIN.username)
        self._dev, self._prod, self._data = (
            environment.tenants[name] for name in ("dev01", "prod01", "data01")
        )

    def groups(self) -> Sequence[CheckGroup]:
        """Return all groups in the order in which they must run."""
        return (
            CheckGroup(f"{DANA.username} belongs to dev01", self._own_tenant_checks()),
            CheckGroup(f"{DANA.username} may read prod01, and no more", self._read_only_checks()),
            CheckGroup(f"{DANA.username} does not belong to data01", self._foreign_tenant_checks()),
            CheckGroup(f"{ADMIN.username} is an Administrator", self._administrator_checks()),
            CheckGroup("The AWS console", self._console_checks()),
            CheckGroup("Sign-in with the identity provider", self._provider_checks()),
            # Last, because it moves AWS's clock.
            CheckGroup("Every session expires", self._expiry_checks()),
        )

    def _own_tenant_checks(self) -> list[Check]:
        return [
            Check("The portal issues keys", lambda: _validity(self._dev_session)),
            Check("AWS reports whose keys they are", self._caller_identity),
            *(Check(f"Its {kind.name} can be used", partial(self._use_own, kind)) for kind in RESOURCE_TYPES),
        ]

    def _read_only_checks(self) -> list[Check]:
        return [
            Check("The portal issues keys", lambda: _validity(self._prod_session)),
            *(
                Check(f"Its {kind.name} can be read", partial(self._read_prod, kind))
                for kind in RESOURCE_TYPES
            ),
            *(
                Check(f"Its {kind.name} cannot be written", partial(self._fail_to_write_prod, kind))
                for kind in RESOURCE_TYPES
            ),
        ]

    def _foreign_tenant_checks(self) -> list[Check]:
        return [
            Check(
                "The portal refuses keys",
                lambda: _require_refusal(self._dana.session(tenant="data01"), "tenant_not_found"),
            ),
            *(
                Check(f"Its {kind.name} is denied to dev01's keys", partial(self._fail_to_read_data, kind))
                for kind in RESOURCE_TYPES
            ),
        ]

    def _administrator_checks(self) -> list[Check]:
        return [
            Check("The portal issues admin keys", lambda: _validity(self._admin_session)),
            *(
                Check(f"They give access to {tenant.plan.name}", partial(self._use_as_admin, tenant))
                for tenant in (self._dev, self._prod, self._data)
            ),
            Check(
                "The portal refuses them to dana",
                lambda: _require_refusal(self._dana.session(admin=True), "access_denied"),
            ),
        ]

    def _console_checks(self) -> list[Check]:
        return [
            Check("A console link signs in", self._open_console),
            *(
                Check(f"dev01's {name} opens", partial(self._open_page, arn_of(self._dev.plan), "Open"))
                for name, arn_of in _CONSOLE_PAGES.items()
            ),
            *(
                Check(
                    f"prod01's {name} is refused",
                    partial(self._open_page, arn_of(self._prod.plan), "Refused"),
                )
                for name, arn_of in _CONSOLE_PAGES.items()
            ),
        ]

    def _provider_checks(self) -> list[Check]:
        checks = ProviderChecks(self._environment)
        return [
            Check("A button at the provider signs dana in", checks.sign_in),
            Check("Signing out there signs out of the portal", checks.sign_out),
        ]

    def _expiry_checks(self) -> list[Check]:
        return [
            Check("Keys for 15 minutes read the bucket", self._use_short),
            Check("15 minutes later AWS refuses them", self._fail_to_use_expired),
        ]

    # Shared by the checks. Each session is requested once; a refusal fails every check that needs it.

    @cached_property
    def _dev_session(self) -> Session:
        return _require_session(self._dana.session(tenant="dev01"))

    @cached_property
    def _aws_as_dev(self) -> Aws:
        return self._aws_with_keys_of(self._dev_session)

    @cached_property
    def _prod_session(self) -> Session:
        return _require_session(self._dana.session(tenant="prod01"))

    @cached_property
    def _aws_as_prod(self) -> Aws:
        return self._aws_with_keys_of(self._prod_session)

    @cached_property
    def _admin_session(self) -> Session:
        return _require_session(self._admin.session(admin=True))

    @cached_property
    def _aws_as_admin(self) -> Aws:
        return self._aws_with_keys_of(self._admin_session)

    @cached_property
    def _aws_for_15_minutes(self) -> Aws:
        return self._aws_with_keys_of(_require_session(self._dana.session(tenant="dev01", duration="15m")))

    def _aws_with_keys_of(self, session: Session) -> Aws:
        keys = session["credentials"]
        return self._environment.aws.with_keys(
            Keys(keys["access_key_id"], Secret(keys["secret_access_key"]), Secret(keys["session_token"]))
        )

    # The checks.

    def _caller_identity(self) -> str:
        arn = self._aws_as_dev.sts.get_caller_identity()["Arn"]
        return _require_equal(arn.split("assumed-role/")[-1], f"{self._dev.plan.prefix}/{DANA.username}")

    def _use_own(self, kind: ResourceType) -> str:
        return f"{kind.read(self._aws_as_dev, self._dev)}, {kind.write(self._aws_as_dev, self._dev)}"

    def _read_prod(self, kind: ResourceType) -> str:
        return kind.read(self._aws_as_prod, self._prod)

    def _fail_to_write_prod(self, kind: ResourceType) -> str:
        aws = self._aws_as_prod
        return require_refusal(lambda: kind.write(aws, self._prod), kind.denied)

    def _fail_to_read_data(self, kind: ResourceType) -> str:
        aws = self._aws_as_dev
        return require_refusal(lambda: kind.read(aws, self._data), kind.denied)

    def _use_as_admin(self, tenant: Tenant) -> str:
        for kind in RESOURCE_TYPES:
            kind.read(self._aws_as_admin, tenant)
        return ", ".join(kind.name for kind in RESOURCE_TYPES)

    def _open_console(self) -> str:
        session = _require_session(self._dana.session(tenant="dev01", purpose="console"))
        page = browse(session["console_url"])
        signed_in = f"{self._dev.plan.prefix}/{DANA.username}"
        if signed_in not in page:
            raise CheckFailed("the console page does not show the user who signed in")
        if self._data.plan.prefix in page:
            raise CheckFailed("the console page shows data01")
        return f"as {signed_in}"

    def _open_page(self, arn: str, expected: str) -> str:
        """Open a resource's page in a console session of dev01, and compare what the console says."""
        parsed = parse(arn)
        if parsed is None:
            raise CheckFailed(f"{arn} is no ARN")
        destination = resource_page(parsed, REGION).path
        answer = self._dana.session(tenant="dev01", purpose="console", destination=destination)
        page = browse(_require_session(answer)["console_url"])
        if f">{expected}</span> This session" not in page:
            raise CheckFailed(f"the console does not say that the page is {expected.lower()}")
        return parsed.resource

    def _use_short(self) -> str:
        return RESOURCE_TYPES[0].read(self._aws_for_15_minutes, self._dev)

    def _fail_to_use_expired(self) -> str:
        aws = self._aws_for_15_minutes
        with self._environment.clock_ahead(MINIMUM_DURATION + timedelta(seconds=1)):
            return require_refusal(lambda: RESOURCE_TYPES[0].read(aws, self._dev), "ExpiredToken")


def _require_session(answer: Answer) -> Session:
    if answer.status != 201:
        raise CheckFailed(f"the portal refused: {answer.refusal}")
    return answer.body


def _require_refusal(answer: Answer, code: str) -> str:
    if answer.body.get("code") != code:
        raise CheckFailed(f"the portal answered {answer.status}")
    return f"{answer.status} {code}"


def _validity(session: Session) -> str:
    expires_at = datetime.fromisoformat(session["expires_at"])
    return f"for {session['validity'] // 60} minutes, until {expires_at:%H:%M} UTC"


def _require_equal(actual: str, expected: str) -> str:
    if actual != expected:
        raise CheckFailed(f"{actual}, not {expected}")
    return actual
