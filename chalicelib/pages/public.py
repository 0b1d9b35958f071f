"""The index as people see it: what it is and how to use it, search, and a page for each public repository.

Shown is what anybody may see. Nobody signs in here, so that a page never holds what is private.
"""

from itertools import islice
from urllib.parse import urlencode

from msgspec.structs import replace

from chalicelib.api.errors import RouteNotFound, render_error
from chalicelib.api.http import Route, parse_number
from chalicelib.api.messages import Request, Response
from chalicelib.domain.identifiers import LIBRARY, RepositoryName
from chalicelib.domain.roles import ANONYMOUS
from chalicelib.pages.html import NOTHING, Markup, PageRenderer, command, joined, markup
from chalicelib.repositories.image_lists import ImageLists
from chalicelib.repositories.search import MAX_QUERY_LENGTH, Search, SearchPage, SearchResult
from chalicelib.repositories.service import Repositories

MAX_IMAGES_SHOWN = 100
_WAITS_FOR = {
    "none": "An account works at once.",
    "email": "A letter then asks you to confirm your address; the account works from there on.",
    "admin": "The account works once an administrator has activated it.",
}


class PublicPages:
    """`/` and `/r/(namespace)/(repository)`. `activation` and `is_registration_open` are `Accounts`'s."""

    def __init__(
        self,
        search: Search,
        repositories: Repositories,
        lists: ImageLists,
        renderer: PageRenderer,
        *,
        activation: str,
        is_registration_open: bool,
    ) -> None:
        self._search = search
        self._repositories = repositories
        self._lists = lists
        self._renderer = renderer
        self._activation = activation
        self._is_registration_open = is_registration_open

    def routes(self) -> list[Route]:
        """What this serves, and where. Switched off it has the same routes, for API Gateway's are made once and a
        setting can change, and says there what an unknown path says.
        """
        routes = [
            Route("GET", "/", self.front, self._renderer.render_error),
            Route("GET", "/r/{namespace}/{repository}", self.repository, self._renderer.render_error),
        ]
        if self._renderer.has_public_pages:
            return routes
        return [replace(route, handler=_nothing_here, render_error=render_error) for route in routes]

    def front(self, request: Request) -> Response:
        """What this index is; with a query, what it finds. Asks the store only for the latter."""
        query = request.query.get("q")
        return self._welcome(request) if query is None else self._found(request, " ".join(query.split()))

    def repository(self, request: Request) -> Response:
        """A public repository. A private one is as good as none."""
        name = request.repository
        known = self._repositories.show(ANONYMOUS, name).repository
        images = self._lists.read(ANONYMOUS, name)
        return self._renderer.page(
            str(name),
            markup(
                """<p>{description}</p>
<dl>
<dt>Created</dt><dd><time datetime="{created}">{created}</time></dd>
<dt>Images</dt><dd>{count}</dd>{official}
</dl>
<h2>Pull</h2>
{pull}
{images}""",
                description=known.description or "It has no description.",
                created=f"{known.created:%Y-%m-%d}",
                count=f"{len(images):,}",
                official=markup("<dt>Official</dt><dd>yes, one of the library</dd>")
                if name.namespace == LIBRARY
                else NOTHING,
                pull=command(f"docker pull {_host(self._renderer.address(request))}/{_short(name)}"),
                images=_listed(images),
            ),
        )

    def _welcome(self, request: Request) -> Response:
        address = self._renderer.address(request)
        host = _host(address)
        return self._renderer.page(
            f"The Docker index at {host}",
            markup(
                """<p>An index keeps accounts, knows which images a repository holds, and hands out the tokens that
registries check. Docker 0.6 to 17.03 pushes and pulls with it; <code>docker search</code> and
<code>podman search</code> of any age find what is public.</p>
{search}
<h2>Log in</h2>
{register}
{log_in}
<h2>Push</h2>
<p>Into your own namespace, which is your username:</p>
{tag}
{push}
<h2>Pull</h2>
{pull}
<h2>Search from a terminal</h2>
{docker_search}
{podman_search}""",
                search=_search_box(""),
                register=self._how_to_register(address),
                log_in=command(f"docker login {address}"),
                tag=command(f"docker tag web {host}/alice/web"),
                push=command(f"docker push {host}/alice/web"),
                pull=command(f"docker pull {host}/alice/web"),
                docker_search=command(f"docker search {host}/web"),
                podman_search=command(
                    f"podman search {'--tls-verify=false ' if address.startswith('http:') else ''}{host}/web"
                ),
            ),
        )

    def _how_to_register(self, address: str) -> Markup:
        if not self._is_registration_open:
            return markup("<p>Registration is closed: an administrator makes accounts. Who has one logs in:</p>")
        form = '{"username": "alice", "password": "a secret", "email": "alice@example.com"}'
        return markup(
            "<p>Registration is open to everybody. {waits} Docker up to 1.10 registers you when you first log in; with "
            "a newer one, register before:</p>{register}<p>Then:</p>",
            waits=_WAITS_FOR[self._activation],
            register=command(f"curl -d '{form}' {address}/v1/users/"),
        )

    def _found(self, request: Request, query: str) -> Response:
        page = self._search.find(ANONYMOUS, query, parse_number(request, "page", 1))
        title = f"Public repositories that match “{query}”" if query else "All public repositories"
        return self._renderer.page(
            title,
            markup(
                "{search}<p>{count}</p>{results}{pages}",
                search=_search_box(query),
                count=_count(page),
                results=_results(page),
                pages=_pages(page, query),
            ),
        )


def _nothing_here(request: Request) -> Response:
    raise RouteNotFound


def _host(address: str) -> str:
    return address.partition("://")[2]


def _short(name: RepositoryName) -> str:
    """Clients know the library's repositories by their bare names."""
    return str(name).removeprefix(f"{LIBRARY}/")


def _search_box(query: str) -> Markup:
    return markup(
        """<form action="/" role="search">
<label for="q">Search the public repositories</label>
<div class="row">
<input id="q" name="q" type="search" value="{query}" maxlength="{most}" aria-describedby="hint">
<button>Search</button>
</div>
<p id="hint" class="quiet">Words of names and descriptions, or their beginnings. Without any it lists everything.</p>
</form>""",
        query=query,
        most=MAX_QUERY_LENGTH,
    )


def _count(page: SearchPage) -> str:
    if not page.total:
        return "None found."
    return "1 repository." if page.total == 1 else f"{page.total:,} repositories."


def _results(page: SearchPage) -> Markup:
    if not page.results:
        return NOTHING
    return markup('<ul class="plain">{rows}</ul>', rows=joined(map(_row, page.results)))


def _row(result: SearchResult) -> Markup:
    return markup(
        '<li><a href="/r/{repository}">{name}</a>{official}<p>{description}</p></li>\n',
        repository=result.repository,
        name=_short(result.repository),
        official=markup(' <span class="mark">official</span>') if result.is_official else NOTHING,
        description=result.description,
    )


def _pages(page: SearchPage, query: str) -> Markup:
    last = -(-page.total // page.size)
    if last <= 1 and page.number == 1:
        return NOTHING
    ways = [
        markup(
            '<a href="/?{query}" rel="{rel}">{word}</a>',
            query=urlencode({"q": query, "page": number}),
            rel=rel,
            word=word,
        )
        for rel, word, number in (
            ("prev", "Previous page", min(page.number - 1, last)),
            ("next", "Next page", page.number + 1),
        )
        if 1 <= number <= last
    ]
    return markup(
        '<nav class="links" aria-label="Pages of results"><p>Page {number} of {last}</p>{ways}</nav>',
        number=page.number,
        last=last,
        ways=joined(ways),
    )


def _listed(images: dict[str, str]) -> Markup:
    if not images:
        return NOTHING
    count, shown = len(images), islice(images.items(), MAX_IMAGES_SHOWN)
    return markup(
        '<h2>Images</h2><details><summary>{which}</summary><ul class="plain">{rows}</ul></details>',
        which=f"All {count}" if count <= MAX_IMAGES_SHOWN else f"The first {MAX_IMAGES_SHOWN} of {count:,}",
        rows=joined(
            markup("<li><code>{id}</code>{checksum}</li>\n", id=image_id, checksum=_checksum(checksum))
            for image_id, checksum in shown
        ),
    )


def _checksum(checksum: str) -> Markup:
    return markup('<p class="quiet"><code>{checksum}</code></p>', checksum=checksum) if checksum else NOTHING
