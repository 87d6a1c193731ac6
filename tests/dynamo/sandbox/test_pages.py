"""Publishing on a Page of the sandbox."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest
import requests
import time_machine

from accounts import clock
from tests.dynamo.sandbox.calls import Caller, code
from tests.services.sandbox import FACEBOOK, OTHER_FACEBOOK


def clip(page: Caller) -> bytes:
    return requests.get(page.sandbox.media("clip.mp4"), timeout=10).content


def published(page: Caller) -> list[tuple[str, str]]:
    return [(entry["kind"], entry["message"]) for entry in page.sandbox.posts]


def test_a_staged_photo_is_invisible_until_a_feed_post_attaches_it(page: Caller) -> None:
    photo = page.staged_photo()
    assert published(page) == []
    posted = page.edge("feed", message="Olá", **{"attached_media[0]": json.dumps({"media_fbid": photo})})
    assert posted == {"id": posted["id"]}
    assert posted["id"].startswith(f"{FACEBOOK.id}_")
    assert published(page) == [("photo", "Olá")]
    assert page.sandbox.posts[0]["photos"] == [photo]


def test_attached_media_is_taken_as_json_list_and_as_json_body(page: Caller) -> None:
    first, second, third = (page.staged_photo(name) for name in ("a.jpg", "b.jpg", "c.jpg"))
    page.edge("feed", message="text", attached_media=json.dumps([{"media_fbid": first}, {"media_fbid": second}]))
    page.send("POST", f"{page.id}/feed", json={"message": "json", "attached_media": [{"media_fbid": third}]})
    assert [entry["photos"] for entry in page.sandbox.posts] == [[first, second], [third]]


@pytest.mark.parametrize("fbid", ["1", "", "17900000000000000"])
def test_an_unknown_photo_cannot_be_attached(page: Caller, fbid: str) -> None:
    answer = page.edge("feed", message="x", **{"attached_media[0]": json.dumps({"media_fbid": fbid})})
    assert code(answer) == (100, None)
    assert published(page) == []


def test_a_photo_of_another_page_cannot_be_attached(page: Caller) -> None:
    foreign = Caller(page.sandbox, OTHER_FACEBOOK).staged_photo()
    answer = page.edge("feed", message="x", **{"attached_media[0]": json.dumps({"media_fbid": foreign})})
    assert code(answer) == (100, None)


def test_a_photo_that_was_posted_cannot_be_attached_again(page: Caller) -> None:
    photo, _ = page.photo_post()
    answer = page.edge("feed", message="again", **{"attached_media[0]": json.dumps({"media_fbid": photo})})
    assert code(answer) == (100, 1366051)
    assert published(page) == [("photo", "Olá")]
    assert page.sandbox.posts[0]["calls"] == 1


def test_a_published_photo_makes_its_own_post(page: Caller) -> None:
    answer = page.edge("photos", url=page.sandbox.media("menu.png"), caption="Menu")
    assert set(answer) == {"id", "post_id"}
    assert [(entry["id"], entry["media"]) for entry in page.sandbox.posts] == [
        (answer["post_id"], page.sandbox.media("menu.png"))
    ]


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, (324, None)),
        ({"url": "ftp://127.0.0.1/a.jpg"}, (324, None)),
        ({"url": "{media}/missing.txt"}, (324, None)),
        ({"url": "{media}/clip.mp4"}, (100, 1366046)),
    ],
)
def test_photo_of_another_type_is_refused(page: Caller, fields: dict[str, str], wanted: Any) -> None:
    given = {name: value.format(media=f"{page.sandbox.url}/media") for name, value in fields.items()}
    assert code(page.edge("photos", published="false", **given)) == wanted


def test_a_photo_over_the_size_limit_is_refused(page: Caller) -> None:
    page.sandbox.settings(photo_max_bytes=1000)
    assert code(page.edge("photos", published="false", url=page.sandbox.media())) == (100, 1366046)


def test_a_post_needs_something_to_show(page: Caller) -> None:
    assert code(page.edge("feed")) == (197, None)
    assert code(page.edge("feed", link="javascript:alert(1)")) == (1500, None)
    assert code(page.edge("feed", message="x" * 63_207)) == (100, None)
    assert published(page) == []


def test_the_same_text_twice_in_a_row_is_refused(page: Caller) -> None:
    page.edge("feed", message="Olá")
    assert code(page.edge("feed", message="Olá")) == (506, None)
    assert page.sandbox.posts[0]["calls"] == 2
    page.edge("feed", message="something else")
    page.edge("feed", message="Olá")
    assert published(page) == [("text", "Olá"), ("text", "something else"), ("text", "Olá")]


def test_the_same_text_twice_can_be_refused_as_abuse_r9(page: Caller) -> None:
    page.sandbox.settings(duplicate_code=368)
    page.edge("feed", message="Olá")
    answer = page.edge("feed", message="Olá")
    assert (code(answer), "already posted" in answer["error"]["message"]) == ((368, None), True)
    assert published(page) == [("text", "Olá")]


def test_the_same_text_twice_with_photos_or_without_the_check_goes_live_twice(page: Caller) -> None:
    page.photo_post("Olá")
    page.photo_post("Olá")
    page.sandbox.settings(duplicate_check=False)
    page.edge("feed", message="text")
    page.edge("feed", message="text")
    assert published(page) == [("photo", "Olá"), ("photo", "Olá"), ("text", "text"), ("text", "text")]


def test_an_unpublished_post_goes_live_once_however_often_it_is_flipped(page: Caller) -> None:
    post = page.edge("feed", message="later", published="false")["id"]
    assert published(page) == []
    assert page.post(post, is_published="true") == {"success": True}
    moment = page.sandbox.posts[0]["published_at"]
    assert page.post(post, is_published="true") == {"success": True}
    assert [entry["published_at"] for entry in page.sandbox.posts] == [moment]


@pytest.mark.parametrize(("ahead", "taken"), [(300, False), (1200, True), (29 * 86400, True), (31 * 86400, False)])
def test_native_scheduling_has_a_window(page: Caller, ahead: int, taken: bool) -> None:
    answer = page.edge("feed", message="x", published="false", scheduled_publish_time=int(time.time()) + ahead)
    assert ("id" in answer) == taken
    if not taken:
        assert code(answer) == (100, 1363115)
    assert published(page) == []
    assert len(page.list("scheduled_posts")["data"]) == int(taken)


def test_a_deleted_post_cannot_be_read_but_stays_in_the_record(page: Caller) -> None:
    _, post = page.photo_post()
    assert page.send("DELETE", post).json() == {"success": True}
    assert code(page.get(post)) == (100, 33)
    assert [entry["deleted_at"] is None for entry in page.sandbox.posts] == [False]


def test_a_staged_photo_can_be_discarded(page: Caller) -> None:
    photo = page.staged_photo()
    assert page.send("DELETE", photo).json() == {"success": True}
    assert code(page.edge("feed", message="x", attached_media=json.dumps([{"media_fbid": photo}]))) == (100, None)


def test_a_sessionised_video_is_known_before_its_bytes_and_live_after_finish(page: Caller) -> None:
    data = clip(page)
    page.sandbox.settings(video_chunk_bytes=5000)
    session = page.edge("videos", upload_phase="start", file_size=len(data))
    video, at, until = session["video_id"], int(session["start_offset"]), int(session["end_offset"])
    assert page.get(video, fields="published,post_id") == {"id": video, "published": False}
    while at < until:
        answer = page.send(
            "POST", f"{page.id}/videos",
            data={"upload_phase": "transfer", "upload_session_id": session["upload_session_id"], "start_offset": at},
            files={"video_file_chunk": ("clip.mp4", data[at:until])},
        ).json()  # fmt: skip
        at, until = int(answer["start_offset"]), int(answer["end_offset"])
    assert published(page) == []
    finish = {"upload_phase": "finish", "upload_session_id": session["upload_session_id"], "description": "Film"}
    assert page.edge("videos", **finish) == {"success": True}
    assert published(page) == [("video", "Film")]
    shown = page.get(video, fields="published,post_id,permalink_url,status")
    assert (shown["published"], shown["post_id"]) == (True, page.sandbox.posts[0]["id"])
    assert shown["status"]["video_status"] == "ready"
    assert code(page.edge("videos", **finish)) == (100, 1363041)
    assert len(published(page)) == 1


def test_a_span_out_of_order_names_the_one_that_is_wanted(page: Caller) -> None:
    session = page.edge("videos", upload_phase="start", file_size=9000)["upload_session_id"]
    fields = {"upload_phase": "transfer", "upload_session_id": session, "start_offset": 4}
    answer = page.send("POST", f"{page.id}/videos", data=fields, files={"video_file_chunk": ("x", b"abc")}).json()
    assert code(answer) == (6001, 1363037)
    assert answer["error"]["error_data"] == {"start_offset": "0", "end_offset": "9000"}
    assert code(page.edge("videos", upload_phase="finish", upload_session_id=session)) == (6001, 1363037)


def test_a_video_by_url_answers_no_post_id_and_is_live_after_processing(page: Caller) -> None:
    page.sandbox.settings(video_seconds=60)
    video = page.edge("videos", file_url=page.sandbox.media("clip.mp4"), description="Film")
    assert video == {"id": video["id"]}
    assert published(page) == []
    assert page.get(video["id"], fields="status")["status"]["video_status"] == "processing"
    with time_machine.travel(clock.now() + timedelta(seconds=61)):
        assert published(page) == [("video", "Film")]
        assert [entry["id"] for entry in page.list("videos")["data"]] == [video["id"]]


@pytest.mark.parametrize("by_url", [True, False])
def test_a_reel_is_started_uploaded_and_finished(page: Caller, by_url: bool) -> None:
    started = page.edge("video_reels", upload_phase="start")
    headers = {"Authorization": f"OAuth {FACEBOOK.token}"}
    if by_url:
        sent = requests.post(
            started["upload_url"], headers=headers | {"file_url": page.sandbox.media("r.mp4")}, timeout=10
        )
    else:
        data = clip(page)
        sizes = {"offset": "0", "file_size": str(len(data))}
        sent = requests.post(started["upload_url"], headers=headers | sizes, data=data, timeout=10)
    assert sent.json() == {"success": True}
    finish = {"upload_phase": "finish", "video_id": started["video_id"], "video_state": "PUBLISHED"}
    assert page.edge("video_reels", **finish, description="Reel") == {"success": True}
    assert published(page) == [("reel", "Reel")]
    assert page.list("published_posts")["data"] == []
    assert [item["id"] for item in page.list("video_reels")["data"]] == [started["video_id"]]
    assert code(page.edge("video_reels", **finish)) == (100, None)
    assert len(published(page)) == 1


def upload(url: str, data: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    sizes = {"offset": "0", "file_size": str(len(data)), **headers}
    answer = requests.post(url, headers={"Authorization": f"OAuth {FACEBOOK.token}"} | sizes, data=data, timeout=10)
    return answer.status_code, answer.json()


def test_upload_host_has_error_shapes_of_its_own_r2_r3(page: Caller) -> None:
    data = clip(page)
    url = page.edge("video_reels", upload_phase="start")["upload_url"]
    whole = str(len(data))
    for given, headers, status, kind, retriable in (
        (data, {"offset": "9"}, 412, "OffsetInvalidError", False),
        (data, {"Authorization": "OAuth nonsense"}, 400, "ParameterValidationError", False),
        (data, {"file_size": "0"}, 400, "ParameterValidationError", False),
        (b"x" * 100, {}, 422, "ProcessingFailedError", False),
        (b"", {"file_url": page.sandbox.media("gone.txt")}, 422, "FileUrlProcessingError", False),
        (data[:50], {"file_size": whole}, 206, "PartialRequestError", True),
    ):
        code_, answer = upload(url, given, **headers)
        assert (code_, answer["debug_info"]["type"]) == (status, kind)
        assert (set(answer), answer["debug_info"]["retriable"]) == ({"debug_info"}, retriable)
    assert upload(url, data[50:], offset="50", file_size=whole) == (200, {"success": True})
    assert upload(url, data)[0] == 412


def test_reels_of_a_day_are_limited_r12(page: Caller) -> None:
    page.sandbox.settings(reels_per_day=2)
    answers = []
    for _ in range(3):
        started = page.edge("video_reels", upload_phase="start")
        upload(started["upload_url"], clip(page))
        finish = {"upload_phase": "finish", "video_id": started["video_id"], "video_state": "PUBLISHED"}
        answers.append(page.edge("video_reels", **finish))
    assert [answer.get("success") for answer in answers] == [True, True, None]
    assert code(answers[2]) == (9, None)
    with time_machine.travel(time.time() + 86_401):
        assert page.edge("video_reels", **finish) == {"success": True}
        assert len(published(page)) == 3


def test_a_reel_cannot_be_finished_before_its_bytes_are_there(page: Caller) -> None:
    video = page.edge("video_reels", upload_phase="start")["video_id"]
    answer = page.edge("video_reels", upload_phase="finish", video_id=video, video_state="PUBLISHED")
    assert code(answer) == (100, None)
    assert published(page) == []
