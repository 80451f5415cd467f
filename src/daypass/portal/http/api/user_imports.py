"""The API call that imports users from CSV, for Administrators."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field
from starlette.responses import Response

from daypass.portal.admin.imports.plan import ImportedUser
from daypass.portal.admin.imports.service import Imports
from daypass.portal.errors import (
    AlreadyExists,
    BreakGlassProtected,
    LastAdministrator,
    TenantNotFound,
    UserNotFound,
)
from daypass.portal.http.api.codec import answer_with, read_body
from daypass.portal.http.api.operation import Operation
from daypass.portal.http.api.schema import RequestBody, example
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.http.services import Services
from daypass.portal.identity.model import Role


class ImportCreate(RequestBody):
    """The request to import users."""

    model_config = example(
        csv="username,role,tenants,read_only_tenants\ndana@example.com,User,dev01,prod01\n", dry_run=True
    )

    csv: Annotated[
        str,
        Field(
            description="The users as CSV, separated by commas, semicolons or tabs, with a header line: "
            "username, role, tenants, read_only_tenants. Tenants are separated by spaces; in `tenants`, "
            "`dev01:operator` gives the permission set `operator`."
        ),
    ]
    dry_run: Annotated[bool, Field(description="Whether to only report what the import would change.")] = True


class ImportedLine(BaseModel):
    """The result of one CSV line."""

    line: int
    username: str
    role: Role
    new: Annotated[bool, Field(description="Whether the line creates the user.")]
    old_role: Annotated[
        Role | None, Field(description="The previous role, or null if the line does not change it.")
    ]
    memberships: Annotated[
        dict[str, str],
        Field(description="The new and changed memberships: names of permission sets, by tenant."),
    ]
    problem: Annotated[str | None, Field(description="The reason why the line cannot be imported, or null.")]


class ImportResult(BaseModel):
    """The result of an import."""

    done: Annotated[bool, Field(description="Whether the import was made. False for a dry run.")]
    lines: list[ImportedLine]


@dataclass(frozen=True, slots=True)
class UserImports:
    """The handler of imports."""

    imports: Imports

    def run(self, request: ApiRequest) -> Response:
        """Import users from CSV, or check the import."""
        body = read_body(ImportCreate, request.body)
        plan = self.imports.plan(body.csv) if body.dry_run else self.imports.run(body.csv, request.caller)
        answer = ImportResult(done=not body.dry_run, lines=[_line(line) for line in plan.lines])
        return answer_with(answer)


def _line(imported: ImportedUser) -> ImportedLine:
    return ImportedLine(
        line=imported.line,
        username=imported.username,
        role=imported.role,
        new=imported.is_new,
        old_role=imported.old_role,
        memberships=dict(imported.memberships),
        problem=imported.problem,
    )


def operations(services: Services) -> Sequence[Operation]:
    """Return the operation."""
    return [
        Operation(
            method="POST",
            path="/user-imports",
            name="importUsers",
            summary="Import users from CSV, or check an import",
            permission=Permission.ADMINISTRATOR,
            handler=UserImports(services.administration.imports).run,
            body=ImportCreate,
            answer=ImportResult,
            refusals=(AlreadyExists, UserNotFound, TenantNotFound, LastAdministrator, BreakGlassProtected),
        )
    ]
