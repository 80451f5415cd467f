"""Checks of tenants' queues that accept dead letters from other queues of the account."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from daypass.portal.aws import policies
from daypass.portal.aws.queues import ANY_QUEUE, AwsQueues
from daypass.portal.diagnostics.finding import Finding, Level
from daypass.portal.errors import AwsError, AwsNotAllowed
from daypass.portal.tenants.model import Tenant


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """The check that a tenant's queue accepts dead letters of the tenant's own queues only."""

    queues: AwsQueues

    def examine(self, tenants: Sequence[Tenant]) -> Iterator[Finding]:
        """Report the queues that accept dead letters of any queue, or of a queue of another tenant."""
        for tenant in tenants:
            try:
                yield from self._examine_tenant(tenant)
            except AwsNotAllowed as refusal:
                # The permission is the same for every tenant, so it is reported once.
                account = self.queues.account
                needs = [need for need in policies.portal_needs(account) if need.sid.endswith("Queues")]
                patch = policies.to_json(policies.document(*(need.statement for need in needs)))
                sentence = f"Dead-letter queues were not checked: {refusal.reason}"
                yield Finding("dead_letters", Level.WARNING, "queues", sentence, patch)
                return
            except AwsError as refusal:
                sentence = f"Dead-letter queues were not checked: {refusal.reason}"
                yield Finding("dead_letters", Level.WARNING, tenant.name, sentence)

    def _examine_tenant(self, tenant: Tenant) -> Iterator[Finding]:
        queues = self.queues.read(tenant)
        for queue in queues:
            own = f"{queue.arn.rpartition(':')[0]}:{self.queues.prefix(tenant)}"
            foreign = [source for source in queue.accepted if not source.startswith(own)]
            if not foreign:
                continue
            sentence = f"{queue.name} accepts the dead letters of {', '.join(foreign)}."
            if foreign == [ANY_QUEUE]:
                sentence = f"Any queue of the account may move its dead letters to {queue.name}."
            patch = queue.limited_to([other.arn for other in queues if other.target == queue.arn])
            yield Finding("dead_letters", Level.WARNING, tenant.name, sentence, patch)
