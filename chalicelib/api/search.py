"""`GET /v1/search?q=&n=&page=`. Every Docker engine and podman use it."""

from chalicelib.api.authentication import Authenticator
from chalicelib.api.http import Route, parse_number
from chalicelib.api.messages import Request, Response, json_response
from chalicelib.domain.errors import NotFound
from chalicelib.domain.identifiers import LIBRARY
from chalicelib.repositories.search import MAX_RESULTS_PER_PAGE, RESULTS_PER_PAGE, Search, SearchResult


class SearchRoutes:
    """The endpoint for searches."""

    def __init__(self, search: Search, authenticator: Authenticator, *, is_podman_refused: bool) -> None:
        self._search = search
        self._is_podman_refused = is_podman_refused
        self._authenticator = authenticator

    def routes(self) -> list[Route]:
        """Return the endpoint."""
        return [Route("GET", "/v1/search", self.find)]

    def find(self, request: Request) -> Response:
        """Return 200 and a page of results. Podman sends no credentials; wrong credentials are 401."""
        if self._is_podman_refused and _is_anonymous_podman(request):
            raise NotFound("search is disabled for this client; it can use the catalogue with credentials")
        principal = self._authenticator.authenticate_search(request)
        query = request.query.get("q", "")
        size = min(parse_number(request, "n", RESULTS_PER_PAGE), MAX_RESULTS_PER_PAGE)
        page = self._search.find(principal, query, parse_number(request, "page", 1), size)
        return json_response(
            200,
            {
                "num_pages": page.last,
                "num_results": page.total,
                "page": page.number,
                "page_size": page.size,
                "query": query,
                "results": [_result_to_json(result) for result in page.results],
            },
        )


def _is_anonymous_podman(request: Request) -> bool:
    """Return whether podman sends the request. It never sends credentials to this endpoint."""
    return request.headers.get("user-agent", "").startswith("containers/") and "authorization" not in request.headers


def _result_to_json(result: SearchResult) -> dict[str, object]:
    """Return a result as Docker expects it. Official repositories have no namespace."""
    return {
        "name": str(result.repository).removeprefix(f"{LIBRARY}/"),
        "description": result.description,
        "star_count": 0,
        "is_official": result.is_official,
        "is_trusted": False,
        "is_automated": False,
    }
