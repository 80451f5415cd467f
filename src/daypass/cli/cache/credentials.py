"""AWS credentials in the cache. On the fast path, which prints them unparsed, so `json` is imported late."""

from daypass.cli.cache.files import CacheFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar


class Credentials:
    """Credentials, ready to be printed, with their metadata as JSON and the period in which they are served.

    They are served from `requested_at` until `served_until`, in seconds since 1970 by this machine's clock.
    """

    SUFFIX: "ClassVar[str]" = ".keys"

    __slots__ = ("answer", "metadata_json", "requested_at", "served_until")

    def __init__(self, answer: bytes, metadata_json: bytes, requested_at: int, served_until: int) -> None:
        self.answer = answer
        self.metadata_json = metadata_json
        self.requested_at = requested_at
        self.served_until = served_until

    def __repr__(self) -> str:
        times = f"requested_at={self.requested_at}, served_until={self.served_until}"
        return f"Credentials(***, {times})"

    def is_served(self, now: float) -> bool:
        """Return whether the credentials may still be served."""
        # If the clock was set back to before the request, the remaining lifetime is unknown.
        return self.requested_at <= now < self.served_until

    def to_file(self) -> CacheFile:
        """Return the content of the file: the metadata as its header, the answer as its body."""
        return CacheFile(self.requested_at, self.served_until, self.metadata_json, self.answer)

    @classmethod
    def from_file(cls, file: CacheFile) -> "Credentials":
        """Return the credentials in *file*; neither they nor the metadata are parsed."""
        # Earlier versions wrote the expiry with an offset, which the SDKs of some languages cannot parse.
        answer = file.body.replace(b'+00:00"', b'Z"')
        return cls(answer, file.header, file.valid_from, file.valid_until)

    def keys(self) -> "AwsKeys":
        """Return the AWS keys in the answer."""
        return AwsKeys(self.answer)

    def metadata(self) -> "Metadata":
        """Return the metadata; raise ValueError if they are not JSON."""
        return Metadata.from_json(self.metadata_json)


class AwsKeys:
    """AWS keys and their expiry, an RFC 3339 time, parsed from an answer in credential_process's format."""

    __slots__ = ("access_key_id", "expiration", "secret_access_key", "session_token")

    def __init__(self, answer: bytes) -> None:
        import json

        fields = json.loads(answer)
        self.access_key_id: str = fields["AccessKeyId"]
        self.secret_access_key: str = fields["SecretAccessKey"]
        self.session_token: str = fields["SessionToken"]
        self.expiration: str = fields["Expiration"]

    def __repr__(self) -> str:
        return f"AwsKeys(***, expiration={self.expiration})"


class Metadata:
    """Facts about cached credentials: from which portal, for whom, and with which access.

    Earlier versions stored fewer of them. A missing one is "", except for `access`, where "" is the answer of
    a portal that does not name it. `tenant`, an id, is None for admin access. `requested_set` is "" unless
    the request named a permission set.
    """

    _FIELDS = (
        "portal",
        "what",
        "tenant",
        "role",
        "user",
        "username",
        "region",
        "access",
        "permission_set",
        "requested_set",
    )

    __slots__ = _FIELDS

    def __init__(
        self,
        *,
        portal: str = "",
        what: str = "",
        tenant: str | None = None,
        role: str = "",
        user: str = "",
        username: str = "",
        region: str = "",
        access: str | None = None,
        permission_set: str = "",
        requested_set: str = "",
    ) -> None:
        self.portal = portal
        self.what = what
        self.tenant = tenant
        self.role = role
        self.user = user
        self.username = username
        self.region = region
        self.access = access
        self.permission_set = permission_set
        self.requested_set = requested_set

    def to_json(self) -> bytes:
        """Return the metadata as one line of JSON. The field names are part of the files' format."""
        import json

        fields = {name: getattr(self, name) for name in self._FIELDS}
        # Without permission sets a file has the form of earlier versions.
        return json.dumps(
            {name: value for name, value in fields.items() if value or not name.endswith("_set")}
        ).encode()

    @classmethod
    def from_json(cls, content: bytes) -> "Metadata":
        """Parse the metadata; fields that a later version added are ignored. Raises ValueError."""
        import json

        fields = json.loads(content)
        return cls(**{name: fields[name] for name in cls._FIELDS if name in fields})
