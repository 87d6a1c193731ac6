"""Containers and their publishing on the sandbox's Instagram."""

import json
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from accounts import clock
from dynamo.sandbox.instagram import count_tags
from tests.dynamo.sandbox.calls import Caller, code
from tests.services.sandbox import FACEBOOK, INSTAGRAM, PlatformAccount

COUNTING = json.loads(Path("tests/vectors/counting.json").read_text(encoding="utf-8"))


def test_hashtags_and_mentions_are_counted_by_the_vectors_m6() -> None:
    assert [(item["text"], *count_tags(item["text"])) for item in COUNTING] == [
        tuple(item.values()) for item in COUNTING
    ]


def status(instagram: Caller, container: str) -> str:
    return str(instagram.get(container, fields="status_code")["status_code"])


def test_a_container_becomes_one_media_with_another_id(instagram: Caller) -> None:
    container = instagram.container(caption="Olá #sol")
    assert instagram.sandbox.posts == []
    assert status(instagram, container) == "FINISHED"
    media = instagram.publish(container)["id"]
    assert media != container
    assert len(media) == len(container) == 17
    assert status(instagram, container) == "PUBLISHED"
    shown = instagram.get(media, fields="caption,media_type,media_product_type,like_count,username")
    assert shown == {
        "id": media, "caption": "Olá #sol", "media_type": "IMAGE", "media_product_type": "FEED", "like_count": 0,
        "username": "casadosol",
    }  # fmt: skip


@pytest.mark.parametrize(("setting", "wanted"), [("refuse", (24, 2207008)), ("not_ready", (9007, 2207027))])
def test_a_container_is_used_once(instagram: Caller, setting: str, wanted: Any) -> None:
    instagram.sandbox.settings(creation_id_twice=setting)
    container = instagram.container()
    instagram.publish(container)
    assert code(instagram.publish(container)) == wanted
    assert [entry["calls"] for entry in instagram.sandbox.posts] == [2]


def test_publishing_a_container_again_may_be_set_to_answer_the_same_media(instagram: Caller) -> None:
    instagram.sandbox.settings(creation_id_twice="same")
    container = instagram.container()
    assert instagram.publish(container) == instagram.publish(container)
    assert len(instagram.sandbox.posts) == 1


def test_eight_at_once_publish_a_container_once(instagram: Caller) -> None:
    container = instagram.container()
    answers: list[dict[str, Any]] = []
    threads = [
        threading.Thread(
            target=lambda: answers.append(Caller(instagram.sandbox, INSTAGRAM).publish(container)), daemon=True
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted("id" in answer for answer in answers) == [False] * 7 + [True]
    assert len(instagram.sandbox.posts) == 1


def test_a_container_that_is_not_ready_cannot_be_published(instagram: Caller) -> None:
    instagram.sandbox.settings(container_seconds=60)
    container = instagram.container()
    assert status(instagram, container) == "IN_PROGRESS"
    assert code(instagram.publish(container)) == (9007, 2207027)
    with time_machine.travel(clock.now() + timedelta(seconds=61)):
        assert status(instagram, container) == "FINISHED"
        assert "id" in instagram.publish(container)


def test_a_container_expires_after_a_day(instagram: Caller) -> None:
    container = instagram.container()
    with time_machine.travel(clock.now() + timedelta(hours=25)):
        assert status(instagram, container) == "EXPIRED"
        assert code(instagram.publish(container)) == (-2, 2207020)


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"image_url": "{media}/menu.png"}, (36001, 2207005)),
        ({"image_url": "{media}/wide.jpg?w=2000&h=800"}, (36003, 2207009)),
        ({"image_url": "{media}/nothing.txt"}, (9004, 2207052)),
        ({"image_url": "http://127.0.0.1:9/gone.jpg"}, (9004, 2207052)),
        ({"image_url": "file:///etc/hostname"}, (9004, 2207052)),
        ({"image_url": "{media}/a.jpg", "caption": "x" * 2201}, (36004, 2207010)),
        ({"image_url": "{media}/a.jpg", "caption": "#a " * 31}, (36004, 2207010)),
        ({"image_url": "{media}/a.jpg", "caption": "@a " * 21}, (36004, 2207010)),
        ({"image_url": "{media}/a.jpg", "media_type": "POSTER"}, (100, 2207023)),
        ({"media_type": "REELS"}, (100, None)),
        ({"media_type": "CAROUSEL", "children": "1"}, (100, 2207028)),
        ({"media_type": "CAROUSEL", "children": "1,2"}, (24, 2207008)),
    ],
)
def test_what_instagram_does_not_take_is_refused(instagram: Caller, fields: dict[str, str], wanted: Any) -> None:
    given = {name: value.replace("{media}", f"{instagram.sandbox.url}/media") for name, value in fields.items()}
    assert code(instagram.edge("media", **given)) == wanted


def test_the_media_is_really_fetched_and_its_bytes_are_recorded(instagram: Caller) -> None:
    first, second = (instagram.sandbox.media("menu.jpg", version) for version in (1, 2))
    for url in (first, second):
        instagram.publish(instagram.edge("media", image_url=url)["id"])
    entries = instagram.sandbox.posts
    assert [entry["media"] for entry in entries] == [first, second]
    assert len({entry["media_sha256"] for entry in entries}) == 2


@pytest.mark.parametrize(
    ("fields", "kind", "edge"),
    [
        ({"media_type": "REELS", "video_url": "{media}/r.mp4", "caption": "c"}, ("VIDEO", "REELS"), "media"),
        ({"media_type": "STORIES", "image_url": "{media}/s.jpg"}, ("IMAGE", "STORY"), "stories"),
        ({"media_type": "STORIES", "video_url": "{media}/s.mp4"}, ("VIDEO", "STORY"), "stories"),
    ],
)
def test_reels_are_listed_with_media_and_stories_apart(
    instagram: Caller, fields: dict[str, str], kind: tuple[str, str], edge: str
) -> None:
    given = {name: value.replace("{media}", f"{instagram.sandbox.url}/media") for name, value in fields.items()}
    media = instagram.publish(instagram.edge("media", **given)["id"])["id"]
    shown = {
        item: instagram.list(item, fields="media_type,media_product_type")["data"] for item in ("media", "stories")
    }
    other = "media" if edge == "stories" else "stories"
    assert shown == {edge: [{"id": media, "media_type": kind[0], "media_product_type": kind[1]}], other: []}


def test_a_carousel_shows_its_children_as_one_media(instagram: Caller) -> None:
    children = [instagram.container(name, is_carousel_item="true") for name in ("a.jpg", "b.jpg")]
    assert code(instagram.publish(children[0])) == (100, 2207089)
    carousel = instagram.edge("media", media_type="CAROUSEL", children=",".join(children), caption="both")["id"]
    media = instagram.publish(carousel)["id"]
    shown = instagram.get(media, fields="media_type,children{id}")
    assert shown == {"id": media, "media_type": "CAROUSEL_ALBUM", "children": {"data": [{"id": c} for c in children]}}


@pytest.mark.parametrize(
    ("params", "image", "allowed"),
    [
        ({"is_carousel_item": "true", "alt_text": "x"}, True, True),
        ({"is_carousel_item": "true", "caption": "x"}, True, False),
        ({"is_carousel_item": "true", "is_ai_generated": "true"}, True, False),
        ({"is_carousel_item": "true", "media_type": "VIDEO"}, False, True),
        ({"is_carousel_item": "true", "media_type": "VIDEO", "alt_text": "x"}, False, False),
        ({"is_carousel_item": "true", "media_type": "REELS"}, False, False),
        ({"is_carousel_item": "true", "media_type": "STORIES"}, True, False),
        ({"alt_text": "x", "is_ai_generated": "true"}, True, True),
        ({"alt_text": "x" * 1001}, True, False),
        ({"is_ai_generated": "maybe"}, True, False),
        ({"media_type": "REELS", "is_ai_generated": "true"}, False, True),
        ({"media_type": "REELS", "alt_text": "x"}, False, False),
        ({"media_type": "STORIES", "alt_text": "x"}, True, False),
        ({"children": "1,2"}, True, False),
    ],
)
def test_parameters_of_each_kind_of_container_r15(
    instagram: Caller, params: dict[str, str], image: bool, allowed: bool
) -> None:
    media = {"image_url": instagram.sandbox.media()} if image else {"video_url": instagram.sandbox.media("a.mp4")}
    answer = instagram.edge("media", **media, **params)
    assert ("id" in answer) == allowed
    assert allowed or code(answer) == (100, None)


def test_carousel_has_no_alternative_text_and_shows_those_of_its_children_r15(instagram: Caller) -> None:
    children = [instagram.container(name, is_carousel_item="true", alt_text=name) for name in ("a.jpg", "b.jpg")]
    params = {"media_type": "CAROUSEL", "children": ",".join(children)}
    assert code(instagram.edge("media", **params, alt_text="x")) == (100, None)
    carousel = instagram.edge("media", **params, is_ai_generated="true")["id"]
    media = instagram.publish(carousel)["id"]
    shown = instagram.get(media, fields="children{alt_text}")["children"]["data"]
    assert [child["alt_text"] for child in shown] == ["a.jpg", "b.jpg"]


def test_a_broken_video_shows_only_in_the_status(instagram: Caller) -> None:
    container = instagram.edge("media", media_type="REELS", video_url=instagram.sandbox.media("a.jpg"))["id"]
    shown = instagram.get(container, fields="status_code,status")
    assert shown == {
        "id": container, "status_code": "ERROR", "status": "Error: Media upload has failed with error code 2207026",
    }  # fmt: skip
    assert code(instagram.publish(container)) == (-1, 2207053)


def test_a_single_video_container_cannot_be_published(instagram: Caller) -> None:
    container = instagram.edge("media", media_type="VIDEO", video_url=instagram.sandbox.media("a.mp4"))["id"]
    assert code(instagram.publish(container)) == (100, 2207089)


def test_the_quota_stops_publishing_and_is_read_live(instagram: Caller) -> None:
    instagram.sandbox.settings(quota_total=1)
    first, second = instagram.container(), instagram.container()
    instagram.publish(first)
    assert code(instagram.publish(second)) == (9, 2207042)
    assert instagram.list("content_publishing_limit") == {"data": [{"quota_usage": 1}]}
    config = {"quota_total": 1, "quota_duration": 86400}
    assert instagram.list("content_publishing_limit", fields="config,quota_usage") == {
        "data": [{"config": config, "quota_usage": 1}]
    }
    assert len(instagram.sandbox.posts) == 1


def test_containers_are_counted_per_day(instagram: Caller) -> None:
    instagram.sandbox.settings(containers_per_day=1)
    instagram.container()
    assert code(instagram.edge("media", image_url=instagram.sandbox.media())) == (9, 2207042)


def test_container_of_another_account_is_not_found(instagram: Caller) -> None:
    other = PlatformAccount("INSTAGRAM_ACCOUNT", "17841400000000002", "rival", "token-of-rival")
    instagram.sandbox.register(other)
    foreign = Caller(instagram.sandbox, other).container()
    assert code(instagram.publish(foreign)) == (24, 2207008)
    assert code(instagram.get(foreign)) == (100, 33)
    assert code(Caller(instagram.sandbox, FACEBOOK).get(foreign)) == (100, 33)


def test_media_cannot_be_deleted(instagram: Caller) -> None:
    media = instagram.publish(instagram.container())["id"]
    assert code(instagram.send("DELETE", media).json()) == (100, 2207073)
