"""GET /media/<name>.jpg|png|mp4: media for every name. GET /stored/<sha256>: what was uploaded or fetched."""

import re

from dynamo.sandbox.messages import Request, Response
from dynamo.sandbox.pictures import clip, picture
from dynamo.sandbox.shelf import content_type
from dynamo.sandbox.world import World

NAME = re.compile(r"/media/([^/]{1,200})\.(jpe?g|png|mp4)")
STORED = re.compile(r"/stored/([0-9a-f]{64})")
TYPES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "mp4": "video/mp4"}
SMALLEST, LARGEST, USUAL = 16, 4000, 1080


def generated(world: World, request: Request) -> Response:
    """`?v=` gives other bytes under the name, `?w=` and `?h=` another size than 1080 x 1080."""
    match = NAME.fullmatch(request.raw_path)
    if match is None:
        return Response(404, b"no such media\n", "text/plain")
    name, kind = match[1], match[2]
    version = _number(request, "v", world.settings.media_versions.get(f"{name}.{kind}", 1), 0, 10**9)
    if kind == "mp4":
        return Response(200, clip(name, version), TYPES[kind])
    size = (_number(request, "w", USUAL, SMALLEST, LARGEST), _number(request, "h", USUAL, SMALLEST, LARGEST))
    return Response(200, picture(name, version, *size, "PNG" if kind == "png" else "JPEG"), TYPES[kind])


def _number(request: Request, name: str, usual: int, least: int, most: int) -> int:
    given = request.query.get(name, "")
    return min(most, max(least, int(given))) if given.isdecimal() else usual


def stored(world: World, request: Request) -> Response:
    match = STORED.fullmatch(request.raw_path)
    data = world.state.shelf.get(match[1]) if match else None
    if data is None:
        return Response(404, b"no such media\n", "text/plain")
    return Response(200, data, content_type(data), {"Cache-Control": "max-age=86400, immutable"})
