"""Hangs routes into Chalice: the one module, beside app.py, that knows it."""

from collections.abc import Callable
from typing import Any

from chalice.app import Chalice, Response

from chalicelib.routes.http import Request, Route, answer


def build(routes: list[Route]) -> Chalice:
    """A Chalice app that serves `routes`. A GET route answers HEAD too; the gateway keeps the body."""
    chalice = Chalice(app_name="waybill")
    for route in routes:
        methods = ["GET", "HEAD"] if route.method == "GET" else [route.method]
        chalice.route(route.path, methods=methods, content_types=[])(_view(chalice, route))
    return chalice


def _view(chalice: Chalice, route: Route) -> Callable[..., Response]:
    def view(**parameters: str) -> Response:
        came: Any = chalice.current_request  # only None outside of a request
        request = Request(
            method=came.method,
            address=came.context["identity"]["sourceIp"],
            parameters=parameters,
            query=dict(came.query_params or {}),
            headers=dict(came.headers),
            body=came.raw_body,
        )
        reply = answer(route.handler, request)
        return Response(reply.body, dict(reply.headers), reply.status)

    return view
