"""One Graph call from beginning to end: latency, faults, the work, headers. The wire is server.py's."""

from collections.abc import Callable

from dynamo.sandbox import spoiling
from dynamo.sandbox.auth import token_of
from dynamo.sandbox.errors import Refusal
from dynamo.sandbox.faults import AFTER, BEFORE, Fault
from dynamo.sandbox.http import Request, Response, answer
from dynamo.sandbox.request_parsing import read
from dynamo.sandbox.routes import route, split_version
from dynamo.sandbox.state import HangUp, SandboxContext

DROPS = {"drop_before", "drop_after"}


def handle(world: SandboxContext, request: Request) -> Response:
    """Return the answer. Raises HangUp when a fault wants the connection closed instead."""
    half = world.settings.latency_ms / 2000
    bare = request.raw_path
    try:
        request.version, request.path = split_version(request.raw_path)
        bare = request.path
        request.params = read(request.query, request.headers.get("Content-Type", ""), request.body)
    except Refusal as refusal:
        return _refused(request, refusal)
    delays, fault = world.faults.take(request.method, request.raw_path, bare)
    request.fault = fault
    world.wait(half + sum(one.seconds for one in delays if one.fault == "delay"))
    response = _with_fault(world, request, fault)
    world.wait(half + sum(one.seconds for one in delays if one.fault == "delay_after"))
    note(world, request, response, fault)
    if fault is not None and fault.fault in DROPS:
        raise HangUp(reset=fault.reset)
    response.headers |= _usual_headers(world, request, response, fault)
    return response


def faulty(world: SandboxContext, request: Request, work: Callable[[SandboxContext, Request], Response]) -> Response:
    """Serve media under the delays, hang-ups and broken gateways that were ordered for it."""
    delays, fault = world.faults.take(request.method, request.raw_path, request.raw_path)
    world.wait(sum(one.seconds for one in delays))
    if fault is not None and fault.fault in DROPS:
        raise HangUp(reset=fault.reset)
    return spoiling.gateway_page() if fault is not None else work(world, request)


def _with_fault(world: SandboxContext, request: Request, fault: Fault | None) -> Response:
    node_id = request.path.strip("/").split("/")[0]
    if fault is not None and fault.fault in BEFORE:
        if fault.fault in {"drop_before", "html_502"}:
            return spoiling.gateway_page()
        _recognise(world, request)
        return _refused(request, spoiling.refusal(fault, method=request.method, node_id=node_id))
    response = _work(world, request)
    if fault is None or fault.fault not in AFTER or fault.fault == "drop_after":
        return response
    if fault.fault == "html_502_after":
        return spoiling.gateway_page()
    if fault.fault == "truncated_json":
        return spoiling.truncated(response)
    return _refused(request, spoiling.refusal(fault, method=request.method, node_id=node_id))


def _recognise(world: SandboxContext, request: Request) -> None:
    """Find the caller, so that a fault's usage headers name the right account."""
    with world.state.lock:
        account_id = world.state.tokens.get(token_of(request))
        if account_id:
            request.account = world.state.account(account_id)


def _work(world: SandboxContext, request: Request) -> Response:
    try:
        return answer(route(world, request))
    except Refusal as refusal:
        return _refused(request, refusal)


def _refused(request: Request, refusal: Refusal) -> Response:
    response = answer(refusal.body(request.id), refusal.status)
    response.headers["WWW-Authenticate"] = refusal.challenge()
    return response


def _usual_headers(world: SandboxContext, request: Request, response: Response, fault: Fault | None) -> dict[str, str]:
    caching = "private, no-cache, no-store, must-revalidate" if response.status == 200 else "no-store"
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Cache-Control": caching,
        "Expires": "Sat, 01 Jan 2000 00:00:00 GMT",
        "Pragma": "no-cache",
        "Vary": "Accept-Encoding",
        "facebook-api-version": request.version,
        "x-fb-request-id": request.id,
        "x-fb-trace-id": request.id,
    }
    if fault is not None and fault.retry_after is not None:
        headers["Retry-After"] = str(fault.retry_after)
    if request.account_id:
        throttle = fault if fault is not None and fault.fault == "throttle" else None
        headers |= world.usage.headers(request.account, world.settings, throttle)
    return headers


def note(world: SandboxContext, request: Request, response: Response, fault: Fault | None) -> None:
    """Write the call into the log that /__requests shows: names of parameters, never a value that could be a token."""
    world.requests.append(
        {
            "method": request.method,
            "path": request.raw_path,
            "status": None if fault is not None and fault.fault in DROPS else response.status,
            "fault": fault.fault if fault else None,
            "account": request.account_id or None,
            "params": sorted({*request.params.values, *request.params.files} - {"access_token"}),
            "token_from": request.token_from or None,
            "request_id": request.id,
            "received_at": request.received_at,
        }
    )
