"""The publishing number in an S3-compatible bucket: written, read, missing, and while the bucket does not answer."""

import json
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from scheduling.domain import health, sweep
from scheduling.domain.drafts import ChannelText
from scheduling.domain.publishing import hold
from scheduling.models import PublishingState
from tests.helpers import fresh
from tests.scheduling.domain.conftest import send

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def new_process(bucket, settings):
    start_again()
    settings.LANDING_LIMIT = 0


def start_again():
    hold._seen.clear()
    hold._asked.clear()


def stored(bucket):
    """Return the number in the bucket, read by another client."""
    [item] = bucket.list_objects_v2(Bucket="media", Prefix="publishing-state/")["Contents"]
    return json.loads(bucket.get_object(Bucket="media", Key=item["Key"])["Body"].read())["number"]


@pytest.fixture
def disconnect(settings):
    """Return a function that lets the storage's address lead to a port where nothing listens, or back again."""
    given = settings.STORAGES

    def switch(*, off=True):
        options = {
            **given["default"]["OPTIONS"],
            **({"endpoint_url": "http://127.0.0.1:1"} if off else {}),
        }
        settings.STORAGES = {**given, "default": {**given["default"], "OPTIONS": options}}
        hold._asked.update(dict.fromkeys(hold._asked, -hold.CHECK_EVERY))  # the next one asks

    return switch


@pytest.fixture
def link_post(make_enqueued, facebook, sandbox):
    """A post without stored media: publishing it needs no storage."""

    def make(caption="Olá", **changes):
        channels = {facebook.public_id: ChannelText(facebook.type, caption)}
        return make_enqueued(channels=channels, media=f"{sandbox.url}/menu", media_type=None, **changes)

    return make


def test_number_is_written_and_read(bucket, link_post, travel, sandbox):
    sweep.sweep()
    assert stored(bucket) == PublishingState.objects.get().number == 1
    post = link_post()
    travel(post)
    start_again()
    assert (send(post), sweep.sweep()["number"], stored(bucket)) == ("published", 2, 2)
    assert hold.problems() == []


def test_older_database_is_held_and_released(bucket, link_post, travel, sandbox, capsys):
    post = link_post()
    travel(post)
    sweep.sweep()
    sweep.sweep()
    PublishingState.objects.update(number=0)
    start_again()
    assert (sweep.sweep()["number"], send(post)) == (0, "held")
    call_command("after_restore", "--yes")
    assert (send(post), stored(bucket)) == ("published", PublishingState.objects.get().number)


def test_missing_number_is_a_hold(bucket, link_post, travel, sandbox):
    post = link_post()
    travel(post)
    sweep.sweep()
    [item] = bucket.list_objects_v2(Bucket="media", Prefix="publishing-state/")["Contents"]
    bucket.delete_object(Bucket="media", Key=item["Key"])
    start_again()
    assert send(post) == "held"
    assert hold.NO_MARKER in hold.problems()[0]


def test_bucket_that_does_not_answer_stops_no_running_process_and_is_stated(
    bucket, link_post, travel, sandbox, disconnect, caplog
):
    first = link_post()
    second = link_post("Another", scheduled_for=first.scheduled_for + timedelta(seconds=62))
    clock_ = travel(first)
    sweep.sweep()
    before = stored(bucket)
    disconnect()
    assert send(first) == "published"
    counts = sweep.sweep()
    assert counts["number"] > before
    assert counts["enqueued"] != -1
    assert "the publishing number was not stored. The storage does not answer (EndpointConnectionError)." in caplog.text
    clock_.shift(timedelta(seconds=61))
    sweep.sweep()
    [problem] = [text for text in health.check_health().problems if "publishing number" in text]
    assert problem.startswith("The storage has not taken the publishing number since ")
    clock_.shift(timedelta(seconds=1))
    assert send(second) == "published"
    disconnect(off=False)
    clock_.shift(timedelta(seconds=11))
    sweep.sweep()
    assert (stored(bucket), hold.problems()) == (PublishingState.objects.get().number, [])


def test_failover_while_the_bucket_does_not_answer_stops_a_process_that_has_seen_more(
    bucket, link_post, travel, sandbox, disconnect
):
    first, second = link_post(), link_post()
    travel(first)
    sweep.sweep()
    disconnect()
    send(first)
    number = sweep.sweep()["number"]
    PublishingState.objects.update(number=number - 1)  # the replica lacks the last transaction
    with pytest.raises(hold.Unverified, match="does not answer"):
        send(second)
    disconnect(off=False)
    assert send(second) == "held"


def test_process_that_starts_while_the_bucket_does_not_answer_sends_nothing_until_it_does(
    link_post, travel, sandbox, disconnect
):
    post = link_post()
    travel(post)
    sweep.sweep()
    disconnect()
    start_again()
    with pytest.raises(hold.Unverified, match="does not answer"):
        send(post)
    assert sweep.sweep()["number"] == -1
    with pytest.raises(CommandError, match=r"The storage does not answer .* Start it before"):
        call_command("after_restore", "--yes", "--hold", "a snapshot")
    assert PublishingState.objects.get().held_at is None
    disconnect(off=False)
    assert (send(post), fresh(post).status) == ("published", "PUBLISHED")


def test_first_start_without_the_bucket_creates_nothing(link_post, travel, sandbox, disconnect):
    post = link_post()
    travel(post)
    PublishingState.objects.all().delete()
    disconnect()
    with pytest.raises(hold.Unverified, match="does not answer"):
        send(post)
    assert not PublishingState.objects.exists()
    disconnect(off=False)
    assert send(post) == "published"


def test_settings_of_a_bucket_bound_how_long_it_is_waited_for(tmp_path):
    """By default botocore waits for minutes, in which a worker publishes nothing."""
    code = "from django.conf import settings as s; c = s.STORAGES['default']['OPTIONS']['client_config']"
    code += "; print((c.connect_timeout + c.read_timeout) * c.retries['total_max_attempts'])"
    given = {**os.environ, "DJANGO_SETTINGS_MODULE": "dynamo.settings", "S3_BUCKET": "b", "DYNAMO_VAR": str(tmp_path)}
    printed = subprocess.run([sys.executable, "-c", code], env=given, capture_output=True, text=True, check=True).stdout
    assert int(printed) <= hold.SLOWEST
