"""Handles one Graph call: latency, faults, the work, headers. server.py reads requests and writes responses."""

from dynamo.sandbox import media
from dynamo.sandbox.auth import token_of
from dynamo.sandbox.errors import Refusal, UploadRefusal
from dynamo.sandbox.faults import AFTER, BEFORE, GATEWAY, Fault, fault_refusal
from dynamo.sandbox.http import Request, Response, json_response, parse_params
from dynamo.sandbox.routes import route, split_version
from dynamo.sandbox.state import HangUp, SandboxContext

DROPS = {"drop_before", "drop_after"}
GATEWAY_PAGE = (
    b"<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Sorry, something went wrong.</h1></body></html>"
)


def handle(context: SandboxContext, request: Request) -> Response:
    """Return the response. Raises HangUp when a fault closes the connection instead."""
    half = context.settings.latency_ms / 2000
    try:
        request.version, request.path = split_version(request.raw_path)
        request.params = parse_params(request.query, request.headers.get("Content-Type", ""), request.body)
    except Refusal as refusal:
        return _refused(request, refusal)
    delays, fault = context.faults.take(request.method, request.raw_path, request.path)
    request.fault = fault
    context.wait(half + sum(delay.seconds for delay in delays if delay.fault == "delay"))
    response = _respond(context, request, fault)
    context.wait(half + sum(delay.seconds for delay in delays if delay.fault == "delay_after"))
    _log_call(context, request, response, fault)
    if fault is not None and fault.fault in DROPS:
        raise HangUp(reset=fault.reset)
    response.headers |= _usual_headers(context, request, response, fault)
    return response


def handle_media(context: SandboxContext, request: Request) -> Response:
    """Serve media with the delays, hang-ups and gateway errors that are ordered for it."""
    delays, fault = context.faults.take(request.method, request.raw_path, request.raw_path)
    context.wait(sum(delay.seconds for delay in delays))
    if fault is not None and fault.fault in DROPS:
        raise HangUp(reset=fault.reset)
    return media.generated(context, request) if fault is None else _gateway_page()


def _respond(context: SandboxContext, request: Request, fault: Fault | None) -> Response:
    """Do the work, unless the fault acts before it, and apply the fault to the response."""
    if fault is not None and fault.fault in GATEWAY:
        return _gateway_page()
    if fault is None or fault.fault not in BEFORE:
        try:
            response = json_response(route(context, request))
        except Refusal as refusal:
            response = _refused(request, refusal)
        if fault is None or fault.fault not in AFTER or fault.fault == "drop_after":
            return response
        if fault.fault == "html_502_after":
            return _gateway_page()
        if fault.fault == "truncated_json":  # Content-Length matches the rest, so that only the JSON is broken
            response.body = response.body[: max(1, len(response.body) // 2)]
            return response
    else:
        with context.state.lock:  # the usage headers need the account
            account_id = context.state.tokens.get(token_of(request))
            if account_id:
                request.account = context.state.account(account_id)
    node_id = request.path.strip("/").split("/")[0]
    return _refused(request, fault_refusal(fault, method=request.method, node_id=node_id))


def _refused(request: Request, refusal: Refusal) -> Response:
    if request.path.startswith("/video-upload/"):
        refusal = UploadRefusal.of(refusal)
        return json_response(refusal.body(request.id), refusal.status)
    response = json_response(refusal.body(request.id), refusal.status)
    response.headers["WWW-Authenticate"] = refusal.challenge()
    return response


def _usual_headers(
    context: SandboxContext, request: Request, response: Response, fault: Fault | None
) -> dict[str, str]:
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
        headers |= context.usage.headers(request.account, context.settings, throttle)
    return headers


def _log_call(context: SandboxContext, request: Request, response: Response, fault: Fault | None) -> None:
    """Log the call for /__requests: the names of parameters only, because a value can be a token."""
    context.requests.append(
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


def _gateway_page() -> Response:
    return Response(502, GATEWAY_PAGE, "text/html; charset=utf-8")
