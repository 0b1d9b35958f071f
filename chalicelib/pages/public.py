"""The public pages: how to use the index, search, and one page for each public repository.

All visitors see the same pages. Nobody logs in here, so a page never contains private data.
"""

from datetime import UTC, datetime
from itertools import islice
from urllib.parse import urlencode

from markupsafe import Markup
from msgspec.structs import replace

from chalicelib.api.errors import RouteNotFound, render_error
from chalicelib.api.http import Route, parse_number
from chalicelib.api.messages import Request, Response
from chalicelib.domain.choices import AccountActivation
from chalicelib.domain.identifiers import LIBRARY, RepositoryName
from chalicelib.domain.roles import ANONYMOUS
from chalicelib.domain.tags import Tag
from chalicelib.pages.html import EMPTY, PageRenderer, render
from chalicelib.repositories.image_lists import ImageLists
from chalicelib.repositories.search import MAX_QUERY_LENGTH, Search, SearchPage, SearchResult
from chalicelib.repositories.service import Repositories
from chalicelib.repositories.tags import TagPage, Tags

MAX_IMAGES_SHOWN = 100
_FIRST_LOGIN = {
    AccountActivation.NONE: "You can log in immediately.",
    AccountActivation.EMAIL: "You receive an email with a link. You can log in after you have confirmed your address.",
    AccountActivation.ADMIN: "You can log in after an administrator has activated your account.",
}


class PublicPages:
    """`/` and `/r/(namespace)/(repository)`.

    Args:
        search: finds repositories.
        repositories: reads a repository.
        lists: reads its images.
        tags: reads its tags.
        renderer: renders the pages.
        registry: the address of the current registry, or "" if there is none.
        activation: what a new account needs before it can log in.
        is_registration_open: whether everyone may register.
    """

    def __init__(
        self,
        search: Search,
        repositories: Repositories,
        lists: ImageLists,
        tags: Tags,
        renderer: PageRenderer,
        *,
        registry: str,
        activation: AccountActivation,
        is_registration_open: bool,
    ) -> None:
        self._search = search
        self._repositories = repositories
        self._lists = lists
        self._tags = tags
        self._registry = registry
        self._renderer = renderer
        self._activation = activation
        self._is_registration_open = is_registration_open

    def routes(self) -> list[Route]:
        """Return the pages.

        If public pages are off, the routes still exist, because API Gateway has them and the setting can change. They
        then respond like an unknown path.
        """
        routes = [
            Route("GET", "/", self.show_home, self._renderer.render_error),
            Route("GET", "/r/{namespace}/{repository}", self.show_repository, self._renderer.render_error),
        ]
        if self._renderer.has_public_pages:
            return routes
        return [replace(route, handler=_raise_route_not_found, render_error=render_error) for route in routes]

    def show_home(self, request: Request) -> Response:
        """Return the home page, which reads nothing from the storage. With a query, return the search results."""
        query = request.query.get("q")
        if query is None:
            return self._render_home(self._renderer.base_url_for(request))
        return self._render_search(" ".join(query.split()), parse_number(request, "page", 1))

    def show_repository(self, request: Request) -> Response:
        """Return the page of a public repository. The response for a private one is the same as for a missing one."""
        name = request.repository
        repository = self._repositories.show(ANONYMOUS, name).repository
        images = self._lists.read(ANONYMOUS, name)
        tags = (
            self._tags.list_newest(ANONYMOUS, name, request.query.get("after", "")) if self._registry else TagPage([])
        )
        counts = [("Tags", "tags", tags.total)] if tags.total else []
        counts += [("Images", "images", len(images))] if images or not tags.total else []
        pull_name = f"{_host_of(self._renderer.base_url_for(request))}/{_short_name(name)}"
        return self._renderer.render_page(
            "repository",
            str(name),
            description=_render_description(repository.description),
            created=f"{repository.created:%Y-%m-%d}",
            counts=EMPTY.join(
                render("count", label=label, kind=kind, count=count, text=f"{count:,}") for label, kind, count in counts
            ),
            official="yes" if name.namespace == LIBRARY else "no",
            pull_name=f"{self._registry}/{name}" if self._registry else pull_name,
            tags=_render_tags(tags, f"{self._registry}/{name}") if tags.tags else EMPTY,
            images=_render_images(images) if images else EMPTY,
        )

    def _render_home(self, base_url: str) -> Response:
        host = _host_of(base_url)
        return self._renderer.render_page(
            "home",
            f"Docker index at {host}",
            search_form=_render_search_form(""),
            usage=render(
                "home_registry" if self._registry else "home_v1",
                registration=self._render_registration(base_url),
                registry=self._registry,
                host=host,
            ),
            host=host,
            podman_options="--tls-verify=false " if base_url.startswith("http:") else "",
        )

    def _render_registration(self, base_url: str) -> Markup:
        if not self._is_registration_open:
            return render("registration_closed")
        return render(
            "registration_open",
            activation=self._activation,
            first_login=_FIRST_LOGIN[self._activation],
            base_url=base_url,
        )

    def _render_search(self, query: str, number: int) -> Response:
        page = self._search.find(ANONYMOUS, query, number)
        return self._renderer.render_page(
            "search",
            f"Public repositories that match “{query}”" if query else "All public repositories",
            search_form=_render_search_form(query),
            total=page.total,
            count=_describe_count(page),
            results=_render_results(page.results) if page.results else EMPTY,
            pagination=_render_pagination(page, query),
        )


def _raise_route_not_found(request: Request) -> Response:
    raise RouteNotFound


def _host_of(base_url: str) -> str:
    return base_url.partition("://")[2]


def _short_name(name: RepositoryName) -> str:
    """Return the name that clients use. It has no namespace if the repository is in `library`."""
    return str(name).removeprefix(f"{LIBRARY}/")


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


def _render_description(description: str) -> Markup:
    return render("description", description=description) if description else EMPTY


def _render_search_form(query: str) -> Markup:
    return render("search_form", query=query, max_length=MAX_QUERY_LENGTH)


def _render_results(results: tuple[SearchResult, ...]) -> Markup:
    rows = (
        render(
            "search_result",
            repository=result.repository,
            name=_short_name(result.repository),
            badge=render("official_badge") if result.is_official else EMPTY,
            description=_render_description(result.description),
        )
        for result in results
    )
    return render("search_results", rows=EMPTY.join(rows))


def _render_pagination(page: SearchPage, query: str) -> Markup:
    """Return links to the previous and the next page. A page after the last one links to the last one."""
    if not page.total or (page.number == page.last == 1):
        return EMPTY
    targets = (
        ("prev", "Previous page", min(page.number - 1, page.last)),
        ("next", "Next page", page.number + 1),
    )
    links = (
        render("pagination_link", query=urlencode({"q": query, "page": number}), rel=rel, text=text)
        for rel, text, number in targets
        if 1 <= number <= page.last
    )
    position = f"Page {page.number}" if page.has_more else f"Page {page.number} of {page.last}"
    return render("pagination", number=page.number, last=page.last, position=position, links=EMPTY.join(links))


def _render_tags(page: TagPage, pull_name: str) -> Markup:
    """Return the tags, the newest first, each with a command that pulls it."""
    rows = (
        render(
            "tag",
            tag=tag.name,
            digest=tag.digest,
            short_digest=tag.digest.partition(":")[2][:12],
            pushed=_time_of(tag).isoformat(timespec="seconds"),
            pushed_date=f"{_time_of(tag):%Y-%m-%d %H:%M} UTC",
            pull_name=pull_name,
        )
        for tag in page.tags
    )
    next_page = render("tags_next", query=urlencode({"after": page.next_name})) if page.next_name else EMPTY
    return render("tags", rows=EMPTY.join(rows), next_page=next_page)


def _time_of(tag: Tag) -> datetime:
    return datetime.fromtimestamp(tag.pushed / 1_000_000_000, UTC)


def _render_images(images: dict[str, str]) -> Markup:
    """Return the first images, collapsed. `images` maps ids to checksums."""
    rows = (
        render("image", id=image_id, checksum=render("image_checksum", checksum=checksum) if checksum else EMPTY)
        for image_id, checksum in islice(images.items(), MAX_IMAGES_SHOWN)
    )
    return render("images", summary=_describe_images(len(images)), rows=EMPTY.join(rows))


def _describe_images(count: int) -> str:
    if count > MAX_IMAGES_SHOWN:
        return f"First {MAX_IMAGES_SHOWN} of {count:,} images"
    return "1 image" if count == 1 else f"All {count} images"
