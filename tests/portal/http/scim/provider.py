"""An identity provider that provisions, with bodies as the documentation of Okta and Entra ID has them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.portal.http.client import Answer, Client

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


@dataclass(frozen=True, slots=True)
class Provider:
    """A client with a token for SCIM."""

    client: Client
    token: str

    def send(
        self, method: str, path: str, content: object = None, *, if_match: str = "", **query: str
    ) -> Answer:
        """Send a request below the path of the channel."""
        headers = [("Content-Type", "application/scim+json")]
        if if_match:
            headers.append(("If-Match", if_match))
        body = b"" if content is None else json.dumps(content).encode()
        return self.client.send(
            method, f"/scim/v2{path}", self.token, body=body, headers=headers, query=urlencode(query)
        )

    def create(self, **changed: object) -> dict[str, Any]:
        """Create a user, and return the answer's body."""
        answer = self.send("POST", "/Users", okta_user(**changed))
        assert answer.status == 201, answer.body
        created: dict[str, Any] = answer.json
        return created

    def create_group(self, name: str, *user_ids: str, **changed: object) -> dict[str, Any]:
        """Create a group as Okta does, and return the answer's body."""
        members = [{"value": user_id, "display": "someone"} for user_id in user_ids]
        content = {"schemas": [GROUP], "displayName": name, "members": members, **changed}
        answer = self.send("POST", "/Groups", content)
        assert answer.status == 201, answer.body
        created: dict[str, Any] = answer.json
        return created

    def members(self, group_id: str) -> set[str]:
        """Return the ids of the members of a group."""
        return {each["value"] for each in self.send("GET", f"/Groups/{group_id}").json["members"]}

    def patch_group(self, group_id: str, *operations: Mapping[str, object], if_match: str = "") -> Answer:
        """Send the operations of a PATCH of a group."""
        content = {"schemas": [PATCH], "Operations": list(operations)}
        return self.send("PATCH", f"/Groups/{group_id}", content, if_match=if_match)

    def patch(self, user_id: str, *operations: Mapping[str, object]) -> Answer:
        """Send the operations of a PATCH."""
        return self.send("PATCH", f"/Users/{user_id}", {"schemas": [PATCH], "Operations": list(operations)})


def okta_user(**changed: object) -> dict[str, object]:
    """Return the body by which Okta creates a user."""
    return {
        "schemas": [USER],
        "userName": "dana@okta.example.com",
        "name": {"givenName": "Dana", "familyName": "Berg"},
        "emails": [{"primary": True, "value": "dana@okta.example.com", "type": "work"}],
        "displayName": "Dana Berg",
        "locale": "en-US",
        "externalId": "00ujl29u0le5T6Aj10h7",
        "groups": [],
        "password": "1mz050nq",
        "active": True,
        **changed,
    }
