"""`/v1/search`: every docker engine and podman ask it."""

from chalicelib.names import LIBRARY
from chalicelib.routes.http import Doorman, Reply, Request, Route, json_reply, number_of
from chalicelib.search import RESULTS_PER_PAGE, RESULTS_PER_PAGE_AT_MOST, Result, Search


class SearchRoutes:
    """`GET /v1/search?q=&n=&page=`."""

    def __init__(self, search: Search, doorman: Doorman) -> None:
        self._search = search
        self._doorman = doorman

    def routes(self) -> list[Route]:
        """What this serves, and where."""
        return [Route("GET", "/v1/search", self.find)]

    def find(self, request: Request) -> Reply:
        """200 and a page of what the caller may read. Podman sends no credentials; wrong ones are 401."""
        caller = self._doorman.caller(request)
        query = request.query.get("q", "")
        size = min(number_of(request, "n", RESULTS_PER_PAGE), RESULTS_PER_PAGE_AT_MOST)
        page = self._search.find(caller, query, number_of(request, "page", 1), size)
        return json_reply(
            200,
            {
                "num_pages": -(-page.total // page.size),
                "num_results": page.total,
                "page": page.number,
                "page_size": page.size,
                "query": query,
                "results": [_shown(result) for result in page.results],
            },
        )


def _shown(result: Result) -> dict[str, object]:
    """Clients know official repositories by their bare name, without `library/`."""
    return {
        "name": str(result.repository).removeprefix(f"{LIBRARY}/"),
        "description": result.description,
        "star_count": 0,
        "is_official": result.official,
        "is_trusted": False,
        "is_automated": False,
    }
