"""Parts of a run that go side by side share neither folder nor Redis database."""

from tests.plugins.isolation import part


def test_outside_of_a_part_nothing_changes() -> None:
    assert part("", {"REDIS_URL": "redis://127.0.0.1:6379/0", "DYNAMO_VAR": "/srv/x"}) == {}


def test_each_part_has_its_own() -> None:
    given = {"REDIS_URL": "redis://:secret@127.0.0.1:6379/2", "DYNAMO_VAR": "/srv/x"}
    assert part("gw1", given) == {"DYNAMO_VAR": "/srv/x/gw1", "REDIS_URL": "redis://:secret@127.0.0.1:6379/3"}
    assert part("gw0", {"REDIS_URL": "redis://h:1", "DYNAMO_VAR": "/srv/x"})["REDIS_URL"] == "redis://h:1/0"


def test_a_part_without_redis_stays_without() -> None:
    assert part("gw1", {"DYNAMO_VAR": "/srv/x"}) == {"DYNAMO_VAR": "/srv/x/gw1"}
