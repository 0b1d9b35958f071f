"""Connects the routes to Chalice. Only this module and app.py import Chalice."""

import hmac
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from chalice.app import Chalice
from chalice.app import Response as ChaliceResponse

from chalicelib.api.http import Route, dispatch
from chalicelib.api.messages import Request
from chalicelib.request_log import RequestLog, request_context

App = TypeVar("App", bound=Chalice)


def create_chalice_app(
    routes: list[Route], request_log: RequestLog, front_proof: str = "", *, app_class: type[App]
) -> App:
    """Return a Chalice app that serves `routes`. A GET route also serves HEAD; the gateway removes the body.

    Args:
        routes: the endpoints.
        request_log: receives one line for each request.
        front_proof: the value that CloudFront adds in X-Waybill-Front, or empty without CloudFront.
        app_class: the class of the app.
    """
    app = app_class(app_name="waybill")
    for route in routes:
        methods = ["GET", "HEAD"] if route.method == "GET" else [route.method]
        app.route(route.path, methods=methods, content_types=[])(_create_view(app, route, request_log, front_proof))
    return app


def _create_view(
    app: Chalice, route: Route, request_log: RequestLog, front_proof: str
) -> Callable[..., ChaliceResponse]:
    def view(**parameters: str) -> ChaliceResponse:
        start = time.perf_counter()
        chalice_request: Any = app.current_request  # it is None only outside of a request
        headers = dict(chalice_request.headers)
        request = Request(
            method=chalice_request.method,
            id=chalice_request.context.get("requestId") or str(uuid.uuid4()),  # the local gateway has no request id
            client_ip=find_client_ip(chalice_request.context["identity"]["sourceIp"], headers, front_proof),
            parameters=parameters,
            query=dict(chalice_request.query_params or {}),
            repeated_query=_repeated(chalice_request.query_params),
            headers=headers,
            body=chalice_request.raw_body,
        )
        with request_context() as fields:
            response = dispatch(route, request)
        request_log.write(
            {"request": request.id, "method": request.method, "route": route.path, "client_ip": request.client_ip},
            response.status,
            (time.perf_counter() - start) * 1000,
            fields,
        )
        return ChaliceResponse(response.body, dict(response.headers), response.status)

    return view


def find_client_ip(peer: str, headers: Mapping[str, str], front_proof: str) -> str:
    """Return the address of the client. `peer` is the address that connected to the gateway.

    With CloudFront, `peer` is CloudFront. CloudFront appends the client to X-Forwarded-For, and the gateway appends
    CloudFront, so the client is the last entry but one. Anyone can send that header directly to the gateway. Only
    CloudFront knows the proof.
    """
    if not front_proof or not hmac.compare_digest(headers.get("x-waybill-front", "").encode(), front_proof.encode()):
        return peer
    addresses = [part.strip() for part in headers.get("x-forwarded-for", "").split(",")]
    return addresses[-2] if len(addresses) > 1 else peer


def _repeated(query: Any) -> dict[str, list[str]]:
    """Return all values of each parameter. `query` is Chalice's MultiDict, or None without a query."""
    return {name: query.getlist(name) for name in query} if query else {}
