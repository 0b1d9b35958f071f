"""Hangs routes into Chalice: the one module, beside app.py, that knows it."""

import hmac
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from chalice.app import Chalice, Response

from chalicelib.journal import Journal, noting
from chalicelib.routes.http import Request, Route, answer


def build(routes: list[Route], journal: Journal, front_proof: str = "") -> Chalice:
    """A Chalice app that serves `routes` and keeps `journal`. A GET route answers HEAD too; the gateway keeps the body.

    `front_proof` is what CloudFront puts into X-Waybill-Front, where it stands before the gateway.
    """
    chalice = Chalice(app_name="waybill")
    for route in routes:
        methods = ["GET", "HEAD"] if route.method == "GET" else [route.method]
        chalice.route(route.path, methods=methods, content_types=[])(_view(chalice, route, journal, front_proof))
    return chalice


def _view(chalice: Chalice, route: Route, journal: Journal, front_proof: str) -> Callable[..., Response]:
    def view(**parameters: str) -> Response:
        began = time.perf_counter()
        came: Any = chalice.current_request  # only None outside of a request
        headers = dict(came.headers)
        request = Request(
            method=came.method,
            id=came.context.get("requestId") or str(uuid.uuid4()),  # the local gateway gives none
            address=address_of(came.context["identity"]["sourceIp"], headers, front_proof),
            parameters=parameters,
            query=dict(came.query_params or {}),
            headers=headers,
            body=came.raw_body,
        )
        with noting() as facts:
            reply = answer(route, request)
        journal.line(
            {"request": request.id, "method": request.method, "route": route.path, "from": request.address},
            reply.status,
            (time.perf_counter() - began) * 1000,
            facts,
        )
        return Response(reply.body, dict(reply.headers), reply.status)

    return view


def address_of(peer: str, headers: Mapping[str, str], front_proof: str) -> str:
    """Where a request comes from. `peer` is who spoke to the gateway.

    Behind CloudFront that is CloudFront: the client is then the last but one in X-Forwarded-For, to which CloudFront
    adds whom it hears and the gateway CloudFront itself. Anybody can write that header and speak to the gateway past
    CloudFront; only CloudFront knows the proof.
    """
    if not front_proof or not hmac.compare_digest(headers.get("x-waybill-front", "").encode(), front_proof.encode()):
        return peer
    passed = [part.strip() for part in headers.get("x-forwarded-for", "").split(",")]
    return passed[-2] if len(passed) > 1 else peer
