"""Error texts for calls of DuploCloud's API that Daypass does not support; they name the subject."""

import re

_LEGACY = re.compile(r"/(v2|v3|admin|adminproxy|subscriptions|frontdoor)(/|$)")

_NAMED = re.compile(r"/(subscriptions|tenant|plans)/[^/]+")
"""A name in a path, removed before the search because a tenant may be named after any subject."""

_SUBJECTS = (
    # Some paths contain words of several subjects, so the order matters.
    ("Kubernetes", r"k8s|kubernetes|argo|replicationcontroller|/pods?\b|containers"),
    ("Google Cloud", r"google|/gcp"),
    ("Azure", r"azure"),
    ("Amazon ECS", r"ecs|taskdef"),
    ("AWS Lambda", r"lambda"),
    ("Amazon RDS", r"rds"),
    ("AWS Batch", r"/batch"),
    ("Auto Scaling", r"asg"),
    ("EC2 hosts", r"nativehost|/hosts?\b"),
    ("load balancers and DNS", r"lbconfig|dns"),
    ("CloudFront", r"cloudfront"),
    ("Amazon ECR", r"/ecr"),
    ("caches", r"/(ecache|cache)"),
    ("Parameter Store", r"ssmparam"),
    ("secrets", r"secret"),
    ("billing", r"billing"),
    ("faults and alerts", r"fault|alert"),
    ("logging", r"logging"),
)
"""The subject of a call, by a pattern in its path; the first match is used."""


def absence(path: str) -> str:
    """Return the error text for an unknown *path*, for users of legacy clients."""
    call = path.lower()
    if not _LEGACY.match(call):
        return "There is nothing at this address."
    for subject, pattern in _SUBJECTS:
        if re.search(pattern, _NAMED.sub(r"/\1", call)):
            return f"Daypass does not manage {subject}: it gives access to AWS, as `duploctl jit aws` does."
    return (
        "Daypass does not support this call of DuploCloud's API. It supports those for AWS access, tenants, "
        "users and settings."
    )
