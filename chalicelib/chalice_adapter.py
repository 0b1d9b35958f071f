"""Connects the routes to Chalice. Only this module and app.py import Chalice."""

import time
import uuid
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from chalice.app import Chalice
from chalice.app import Response as ChaliceResponse

from chalicelib.api.errors import render_unrouted
from chalicelib.api.http import Route, dispatch
from chalicelib.api.messages import Request, Response
from chalicelib.http_api import Event, LambdaResponse, RouteTable, add_route, compress_response, normalize_event
from chalicelib.request_log import RequestLog, request_context

App = TypeVar("App", bound=Chalice)
RenderUnrouted = Callable[[str, str, Collection[str]], Response]


class HttpApiChalice(Chalice):
    """A Chalice app for events of an HTTP API, which does not find the endpoint.

    `route_table` finds it instead, and `render_unrouted` returns the response if there is none. `create_chalice_app`
    sets both.
    """

    route_table: RouteTable
    render_unrouted: RenderUnrouted

    def __call__(self, event: Event, context: Any) -> LambdaResponse:
        """Return the response to an event of payload format 1.0 or 2.0."""
        event = normalize_event(event)
        match = self.route_table.find(event["httpMethod"], event["path"])
        if match is None:
            return self._render_unrouted(event)
        response: LambdaResponse = super().__call__(add_route(event, match), context)
        return compress_response(response, event["headers"] or {})

    def _render_unrouted(self, event: Event) -> LambdaResponse:
        headers, path = event["headers"] or {}, event["path"]
        accept = next((value for name, value in headers.items() if name.lower() == "accept"), "")
        response = self.render_unrouted(path, accept, self.route_table.find_methods(path))
        return {
            "statusCode": response.status,
            "headers": dict(response.headers),
            "multiValueHeaders": {},
            "body": response.body,
        }


def create_chalice_app(
    routes: list[Route],
    request_log: RequestLog,
    *,
    app_class: type[App],
    render_unrouted: RenderUnrouted = render_unrouted,
) -> App:
    """Return a Chalice app that serves `routes`. A GET route also serves HEAD; the gateway removes the body.

    Args:
        routes: the endpoints.
        request_log: receives one line for each request.
        app_class: the class of the app: `HttpApiChalice`, or a class for events that contain the endpoint.
        render_unrouted: returns the response for a path or a method that no route serves.
    """
    app = app_class(app_name="waybill")
    for route in routes:
        methods = ["GET", "HEAD"] if route.method == "GET" else [route.method]
        app.route(route.path, methods=methods, content_types=[])(_create_view(app, route, request_log))
    if isinstance(app, HttpApiChalice):
        app.route_table = RouteTable(routes)
        app.render_unrouted = render_unrouted
    return app


def _create_view(app: Chalice, route: Route, request_log: RequestLog) -> Callable[..., ChaliceResponse]:
    def view(**parameters: str) -> ChaliceResponse:
        start = time.perf_counter()
        chalice_request: Any = app.current_request  # it is None only outside of a request
        request = Request(
            method=chalice_request.method,
            id=chalice_request.context.get("requestId") or str(uuid.uuid4()),  # the local gateway has no request id
            client_ip=chalice_request.context["identity"]["sourceIp"],
            parameters=parameters,
            query=dict(chalice_request.query_params or {}),
            repeated_query=_repeated(chalice_request.query_params),
            headers=dict(chalice_request.headers),
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


def _repeated(query: Any) -> dict[str, list[str]]:
    """Return all values of each parameter. `query` is Chalice's MultiDict, or None without a query."""
    return {name: query.getlist(name) for name in query} if query else {}
