"""POST /media: stores an uploaded file, or what a URL serves, for the posts of the organization."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import get_api_key
from accounts.api.base import ApiView
from accounts.api.exceptions import LengthRequired, RequestValidationError, ValidationProblem
from accounts.api.openapi import INVALID_JSON, LOCATION, error_example, errors, validation_error_example
from accounts.api.parsers import StrictJSONParser
from accounts.api.serializers import joi_error, validate_body
from accounts.exceptions import Invalid, TooLarge
from accounts.models import Organization, Scope
from posts.api.serializers import FetchMediaSerializer, MediaFileSerializer, UploadMediaSerializer
from posts.domain import media_store
from posts.graph.media import VIDEO_BYTES, MediaUnavailable, file_sha256
from posts.models import MediaFile

ENVELOPE = 1024 * 1024  # bytes of a multipart body besides its file
FILE = "file"
STORED = {
    "id": "8a1f6f5e-3c1d-4e0e-9c2b-7d1a5b0e4c22",
    "url": "https://dynamo.example.com/media-files/8a1f6f5e-3c1d-4e0e-9c2b-7d1a5b0e4c22",
    "mediaType": "IMAGE",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "bytes": 240_113,
    "width": 1080,
    "height": 1350,
    "durationSeconds": None,
}


class UploadParser(MultiPartParser):
    """Takes the media type in any case. Raises RequestValidationError for a body that is not multipart."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        kind, sign, parameters = str(media_type).partition(";")
        try:
            return super().parse(stream, f"{kind.lower()}{sign}{parameters}", parser_context)
        except ParseError:
            message = "must be a multipart body, with the boundary that its content type names"
            raise RequestValidationError([ValidationProblem((), "object.base", message)]) from None


class Media(ApiView):
    """The file is parsed after the signature was checked; nothing is in a transaction while a URL is fetched."""

    stored: MediaFile | None = None

    scopes = {"post": Scope.DRAFT}
    max_upload_bytes = VIDEO_BYTES + ENVELOPE
    parser_classes = (StrictJSONParser, UploadParser)

    @extend_schema(
        operation_id="uploadMedia",
        summary="Upload media",
        description="Stores an image or a video: the field `file` of a multipart body, or what `url` serves. The `url` "
        "of the response is what `media` and `mediaItems` take; it is not fetched again. An image becomes one upright "
        "JPEG without metadata. A file that no post uses for a week is deleted.",
        parameters=[LOCATION],
        request={"multipart/form-data": UploadMediaSerializer, "application/json": FetchMediaSerializer},
        responses={201: MediaFileSerializer, **errors(400, 415, 422)},
        examples=[
            OpenApiExample(
                "From a URL", {"url": "https://media.example.com/terrace.jpg"}, request_only=True,
                media_type="application/json",
            ),
            OpenApiExample(
                "An upload", {"file": "the bytes of the file"}, request_only=True, media_type="multipart/form-data"
            ),
            OpenApiExample("Stored", STORED, response_only=True),
            OpenApiExample(
                "A stored video", {**STORED, "mediaType": "VIDEO", "durationSeconds": 12.5}, response_only=True
            ),
            error_example(
                "Not media",
                400,
                "The media is neither an image nor a video",
                [{"path": ["file"], "message": "The media is neither an image nor a video", "code": "media.unusable"}],
            ),
            error_example("Quota used up", 413, "The organization's media would exceed 20,480 MiB"),
            validation_error_example("Without a file", ["file"], "any.required", "is required"),
            INVALID_JSON,
        ],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        stored = self.stored or _store(request)
        headers = {"Location": media_store.stable_url(stored)}
        return Response(MediaFileSerializer(stored).data, status=201, headers=headers)

    def prepare(self, request: Request) -> None:
        self.stored = _store(request)

    def body_digest(self, request: Request) -> str:
        """Return the digest of files and field names: the boundary of a repeated multipart body differs.

        Raises LengthRequired, TooLarge.
        """
        if not _is_upload(request):
            return super().body_digest(request)
        _check_length(request)
        hashes = [file_sha256(file)[0] for file in request.FILES.getlist(FILE)]
        return hashlib.sha256(" ".join([*hashes, *sorted(request.data)]).encode()).hexdigest()


def _is_upload(request: Request) -> bool:
    return request.content_type.partition(";")[0].strip().lower() == MultiPartParser.media_type


def _store(request: Request) -> MediaFile:
    """Store the uploaded file, or what the URL of the body serves. Raises what `_store_upload` raises."""
    organization = get_api_key(request).organization
    if _is_upload(request):
        return _store_upload(request, organization)
    url = validate_body(request, FetchMediaSerializer)["url"]
    with refused_as_invalid("url"):
        return media_store.fetch_upload(organization, url)


def _check_length(request: Request) -> None:
    """Raise LengthRequired or TooLarge before the body is read."""
    length = request.META.get("CONTENT_LENGTH")
    if not length:
        raise LengthRequired
    if int(length) > Media.max_upload_bytes:
        raise TooLarge(f"The body is larger than {Media.max_upload_bytes // 1024**2} MiB")


def _store_upload(request: Request, organization: Organization) -> MediaFile:
    """Store the body's one file. Raises LengthRequired, TooLarge, ValidationError, Invalid."""
    _check_length(request)
    files, other = request.FILES.getlist(FILE), [name for name in request.data if name != FILE]
    problems: dict[str, Any] = {name: [joi_error("object.unknown", "is not allowed", child=name)] for name in other}
    if not files:
        problems[FILE] = [joi_error("any.required", "is required")]
    elif len(files) > 1:
        problems[FILE] = [joi_error("array.max", "must be one file", limit=1)]
    if problems:
        raise ValidationError(problems)
    with refused_as_invalid(FILE):
        return media_store.store_upload(organization, files[0])


@contextmanager
def refused_as_invalid(field: str) -> Iterator[None]:
    """Raise Invalid for what cannot be fetched or is neither an image nor a video."""
    try:
        yield
    except MediaUnavailable as error:
        code = "media.unavailable" if error.passing else "media.unusable"
        raise Invalid(str(error), [{"path": [field], "message": str(error), "code": code}]) from None
