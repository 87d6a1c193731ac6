"""Migrations that carry over what rows of an earlier version say."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts import clock
from scheduling.models import Approval, ScheduledPost

pytestmark = pytest.mark.embedded


def migrate(*targets: tuple[str, str]) -> Any:
    """Migrate there, or without a target as far as there is to go, and return the models as they are then."""
    executor = MigrationExecutor(connection)
    state = executor.migrate(list(targets) or executor.loader.graph.leaf_nodes())
    return state.apps


@pytest.fixture
def before_the_rules(transactional_db: None) -> Iterator[Any]:
    """The models as they were before posts knew who gave them their words."""
    yield migrate(("scheduling", "0008_pairs"))
    migrate()


def test_words_and_second_factors_are_taken_from_what_there_was(before_the_rules: Any) -> None:
    def model(app: str, name: str) -> Any:
        return before_the_rules.get_model(app, name).objects

    house = model("accounts", "Organization").create(name="Casa")
    ana, bea = (model("accounts", "User").create(username=name) for name in ("ana", "bea"))
    key = model("accounts", "ApiKey").create(
        id="dk_agent", organization=house, name="agent", issued_by=ana, secret_encrypted="x"
    )

    def post(*edits: tuple[str, Any, list[str]]) -> Any:
        made = model("scheduling", "ScheduledPost").create(
            organization=house, created_by_key=key, version=1 + len(edits)
        )
        for kind, actor, fields in edits:
            model("accounts", "AuditEvent").create(
                organization_id=house.pk, at=clock.now(), actor_kind=kind, actor_id=str(actor), verb="edit",
                subject=f"post:{made.pk}", details={"fields": fields},
            )  # fmt: skip
        return made

    worded = {
        post(): (None, None),
        post(("PERSON", ana.pk, ["channels"]), ("PERSON", bea.pk, ["scheduledFor"])): (ana.pk, None),
        post(("PERSON", ana.pk, ["media"]), ("KEY", "dk_agent", ["channels", "scheduledFor"])): (None, "dk_agent"),
        post(("PERSON", ana.pk, ["scheduledFor", "brief"])): (None, None),
        post(("PERSON", ana.pk, ["channels"]), ("KEY", "dk_gone", ["channels"])): (None, None),
        (live := post(("PERSON", ana.pk, ["channels"]))): (None, None),
    }
    factor = model("accounts", "SecondFactor").create(user=ana, confirmed_at=clock.now() - timedelta(days=1))
    approvals = [
        (ana, clock.now(), True),
        (ana, factor.confirmed_at - timedelta(days=1), False),
        (bea, clock.now(), False),
    ]
    kept = []
    for reviewer, at, behind in approvals:
        made = model("scheduling", "Approval").create(
            post=next(iter(worded)), reviewer=reviewer, session="", version=1, digest="", content={}
        )
        model("scheduling", "Approval").filter(pk=made.pk).update(created_at=at)
        kept.append((made.pk, behind))
    model("scheduling", "ScheduledPost").filter(pk=live.pk).update(status="PUBLISHED", approval=kept[0][0])

    migrate()

    for old, (person, agent) in worded.items():
        now = ScheduledPost.objects.get(pk=old.pk)
        assert (now.content_edited_by_user_id, now.content_edited_by_key_id, now.revision) == (person, agent, 0)
    assert [(pk, Approval.objects.get(pk=pk).mfa_verified) for pk, _ in kept] == kept
