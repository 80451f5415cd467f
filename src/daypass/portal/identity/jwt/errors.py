"""The errors of tokens and of their issuers."""


class InvalidToken(Exception):
    """A token that must not be accepted.

    `reason` is a code for the record: of this package `malformed`, `duplicate_member`, `too_long`, `header`,
    `algorithm`, `key`, `signature`, `missing_claim`, `expired`, `not_yet_valid`, `too_old` and `lifetime`;
    readers of certain tokens have more, such as `audience`. The message is a sentence without any part of the
    token, because a part of it may be a secret, or text that its sender chose.
    """

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class IssuerUnavailable(Exception):
    """The metadata or the keys of an issuer cannot be read, or are unusable.

    The message is a sentence for the operator. It has no part of a response, which the issuer chooses.
    """
