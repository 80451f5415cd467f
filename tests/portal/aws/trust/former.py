"""The trust policy that the portal wrote before it pinned session tags."""

from daypass.portal.aws.policies import Document


def former_trust(principal_arn: str, external_id: str | None) -> Document:
    """Return the trust policy of version 0.2.0: one statement for all actions."""
    condition: Document = {"StringLike": {"sts:SourceIdentity": "*"}}
    if external_id is not None:
        condition["StringEquals"] = {"sts:ExternalId": external_id}
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": principal_arn},
        "Action": ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
        "Condition": condition,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
