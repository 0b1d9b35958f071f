"""`/openapi.yaml` and `/api`: the description of the API. `infra/admin/api_reference.py` writes both files."""

from chalicelib.api.http import Route
from chalicelib.api.messages import Response
from chalicelib.pages.guard import Guard
from chalicelib.pages.html import PageRenderer, load_file
from chalicelib.pages.visit import Visit

_HEADERS = {
    "Content-Type": "application/yaml; charset=utf-8",
    "Cache-Control": "public, max-age=3600",
    "X-Content-Type-Options": "nosniff",
}


class ApiReferencePages:
    """The OpenAPI document, and a page that lists its calls."""

    def __init__(self, guard: Guard, renderer: PageRenderer) -> None:
        self._guard = guard
        self._renderer = renderer

    def routes(self) -> list[Route]:
        """Return the pages."""
        return [
            Route("GET", "/openapi.yaml", lambda _: Response(200, str(load_file("openapi.yaml")), _HEADERS)),
            self._guard.public("/api", self.show),
        ]

    def show(self, visit: Visit) -> Response:
        """Return the list of calls."""
        return self._renderer.render_page(visit, "api", "API reference", calls=load_file("api_reference.html"))
