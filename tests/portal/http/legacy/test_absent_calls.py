"""Unsupported calls of the legacy API: the error names the subject."""

import pytest

from daypass.portal.http.legacy.absent import absence
from tests.portal.http.client import Client
from tests.portal.http.world import DANA, DEV, World


@pytest.mark.parametrize(
    ("path", "subject"),
    [
        ("/v3/admin/plans/default/k8sConfig", "Kubernetes"),
        (f"/v3/subscriptions/{DEV.id}/k8s/jitAccess", "Kubernetes"),
        (f"/v3/subscriptions/{DEV.id}/k8s/configmap", "Kubernetes"),
        (f"/v3/auth/argo-wf/{DEV.id}/admin", "Kubernetes"),
        (f"/v3/admin/google/{DEV.id}/apiToken", "Google Cloud"),
        (f"/v3/subscriptions/{DEV.id}/aws/rds/catalog", "Amazon RDS"),
        (f"/subscriptions/{DEV.id}/GetEcsServices", "Amazon ECS"),
        (f"/subscriptions/{DEV.id}/GetLambdaFunctions", "AWS Lambda"),
        ("/adminproxy/GetAllFaults", "faults and alerts"),
        ("/v3/billing/admin/aws/billing", "billing"),
    ],
)
def test_an_unsupported_call_names_the_subject_that_daypass_does_not_manage(
    still_world: World, still_client: Client, path: str, subject: str
) -> None:
    answer = still_client.get(path, still_world.tokens[DANA])

    assert answer.status == 404
    assert answer.json == {
        "Message": f"Daypass does not manage {subject}: it gives access to AWS, as `duploctl jit aws` does."
    }


@pytest.mark.parametrize("path", ["/v3/subscriptions/rds-team/other", "/admin/NoSuchCall"])
def test_another_unsupported_call_of_the_legacy_api_is_explained(still_client: Client, path: str) -> None:
    assert "does not support this call" in still_client.get(path).json["Message"]


def test_a_path_outside_the_legacy_api_gets_the_general_text() -> None:
    assert absence("/no/such/thing") == "There is nothing at this address."
