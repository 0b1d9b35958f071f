"""The front page, the search, and the repositories of a namespace. Visitors who log in also see private ones."""

from urllib.parse import urlencode

from markupsafe import Markup

from chalicelib.api.http import Route, parse_number
from chalicelib.api.messages import Response
from chalicelib.domain.identifiers import LIBRARY, RepositoryName, check_namespace
from chalicelib.pages.frame import (
    host_of,
    podman_options,
    render_badges,
    render_next,
    render_pagination,
    render_push_commands,
    render_repository_rows,
    short_name,
)
from chalicelib.pages.guard import Guard, redirect
from chalicelib.pages.html import EMPTY, PageRenderer, render, render_each
from chalicelib.pages.visit import Visit
from chalicelib.repositories.search import Search, SearchPage, SearchResult
from chalicelib.repositories.service import Repositories

MAX_OFFICIAL = 12
_TAGLINE = "Accounts, repositories, access rights and search for the container images of this index."


class PublicPages:
    """`/` and `/r/(namespace)`.

    Args:
        guard: creates the routes.
        renderer: renders the pages.
        search: finds repositories.
        repositories: lists a namespace.
        registry: the address of the current registry, or "" if there is none.
    """

    def __init__(
        self, guard: Guard, renderer: PageRenderer, search: Search, repositories: Repositories, registry: str
    ) -> None:
        self._guard = guard
        self._renderer = renderer
        self._search = search
        self._repositories = repositories
        self._registry = registry

    def routes(self) -> list[Route]:
        """Return the pages."""
        return [
            self._guard.public_if_allowed("/", self.show_home),
            self._guard.public_if_allowed("/r/{namespace}", self.show_namespace),
        ]

    def show_home(self, visit: Visit) -> Response:
        """Return the front page. With a query, return the search results."""
        query = visit.request.query.get("q")
        if query is None:
            return self._render_home(visit)
        return self._render_search(visit, " ".join(query.split()), parse_number(visit.request, "page", 1))

    def show_namespace(self, visit: Visit) -> Response:
        """Return the repositories of a namespace that the visitor can see.

        Without any, the status is 404 for all namespaces of others. It does not reveal which ones exist.
        """
        namespace = check_namespace(visit.request.parameters["namespace"])
        after = visit.request.query.get("after", "")
        page = self._repositories.list(
            visit.principal, namespace, RepositoryName.of(namespace, after).name if after else ""
        )
        repositories = [view.repository for view in page.views]
        is_own = visit.principal.username == namespace
        return self._renderer.render_page(
            visit,
            "repositories",
            namespace,
            200 if repositories or after or is_own else 404,
            notice=EMPTY,
            tabs=EMPTY,
            toolbar=render("toolbar") if is_own else EMPTY,
            rows=render_repository_rows(repositories, full_names=False)
            if repositories
            else _render_no_repositories(visit, namespace),
            pagination=render_next(f"/r/{namespace}", after=page.next_name) if page.next_name else EMPTY,
        )

    def _render_home(self, visit: Visit) -> Response:
        base_url = self._renderer.base_url_for(visit.request)
        host, namespace = host_of(base_url), visit.principal.username or "alice"
        page = self._repositories.list(visit.principal, LIBRARY)
        official = [view.repository for view in page.views][:MAX_OFFICIAL]
        return self._renderer.render_page(
            visit,
            "home",
            f"Docker index at {host}",
            tagline=_TAGLINE,
            welcome=self._render_welcome(visit),
            visible="public" if visit.session is None else "visible",
            official=render_repository_rows(official) if official else render("home_no_official"),
            usage=render(
                "home_registry" if self._registry else "home_v1",
                registry=self._registry,
                host=host,
                namespace=namespace,
                push=render_push_commands(self._registry, f"{namespace}/web") if self._registry else EMPTY,
                registry_options=podman_options(self._registry),
                podman_options="--tls-verify=false " if base_url.startswith("http:") else "",
            ),
        )

    def _render_welcome(self, visit: Visit) -> Markup:
        if visit.session is not None:
            return render("home_account")
        return render("home_visitor" if self._renderer.is_registration_open else "home_closed")

    def _render_search(self, visit: Visit, query: str, number: int) -> Response:
        page = self._search.find(visit.principal, query, number)
        if page.total and number > page.last:
            return redirect(f"/?{urlencode({'q': query, 'page': page.last})}")
        scope = "Repositories" if visit.session is not None else "Public repositories"
        return self._renderer.render_page(
            visit,
            "search",
            f"{scope} that match “{query}”" if query else f"All {scope.lower()}",
            total=page.total,
            count=_describe_count(page),
            results=_render_results(page.results) if page.results else _render_no_results(query),
            pagination=render_pagination("/", query, page.number, page.last, has_more=page.has_more)
            if query or page.total
            else EMPTY,
        )


def _describe_count(page: SearchPage) -> str:
    if page.has_more:
        return f"At least {page.total:,} repositories found."
    match page.total:
        case 0:
            return "No repositories found."
        case 1:
            return "1 repository found."
        case _:
            return f"{page.total:,} repositories found."


def _render_no_repositories(visit: Visit, namespace: str) -> Markup:
    login = render("empty_namespace_login", namespace=namespace) if visit.session is None else EMPTY
    return render("empty_namespace", namespace=namespace, login=login)


def _render_no_results(query: str) -> Markup:
    return render("search_empty") if query else EMPTY


def _render_results(results: tuple[SearchResult, ...]) -> Markup:
    rows = (
        {
            "repository": result.repository,
            "name": short_name(result.repository),
            "badges": render_badges(result.repository, private=result.private),
            "description": render("row_description", description=result.description) if result.description else EMPTY,
            "updated": EMPTY,
        }
        for result in results
    )
    return render("rows", rows=render_each("row", rows))
