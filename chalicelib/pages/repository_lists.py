"""The lists of the account area: own repositories, and those that others share."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from chalicelib.api.http import Route
from chalicelib.api.messages import Response
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.pages.frame import (
    render_account_tabs,
    render_next,
    render_notice,
    render_push_commands,
    render_repository_rows,
)
from chalicelib.pages.guard import Guard
from chalicelib.pages.html import EMPTY, PageRenderer, render
from chalicelib.pages.visit import Visit
from chalicelib.repositories.overview import Overviews
from chalicelib.repositories.service import Repositories, RepositoryView


class RepositoryLists:
    """`/account` and `/account/shared`."""

    def __init__(
        self,
        guard: Guard,
        renderer: PageRenderer,
        repositories: Repositories,
        overviews: Overviews,
        registry: str,
    ) -> None:
        self._guard = guard
        self._renderer = renderer
        self._repositories = repositories
        self._overviews = overviews
        self._registry = registry

    def routes(self) -> list[Route]:
        """Return the pages."""
        return [
            self._guard.private("/account", self.show_own),
            self._guard.private("/account/shared", self.show_shared),
        ]

    def show_own(self, visit: Visit) -> Response:
        """Return the repositories of the account."""
        after = visit.request.query.get("after", "")
        last_name = RepositoryName.of(visit.username, after).name if after else ""
        page = self._repositories.list(visit.principal, visit.username, last_name)
        next_page = render_next("/account", after=page.next_name) if page.next_name else EMPTY
        name = f"{visit.username}/web"
        commands = render_push_commands(self._registry, name) if self._registry else EMPTY
        empty = render("empty_own", namespace=visit.username, commands=commands)
        return self._render(visit, "/account", "My repositories", page.views, empty, next_page, has_toolbar=True)

    def show_shared(self, visit: Visit) -> Response:
        """Return the repositories of others that are shared with the account."""
        views = self._overviews.list_shared(visit.principal)
        details = {
            view.repository.name: render(
                "share", name=view.repository.name, role=view.role.word, form_token=visit.form_token
            )
            for view in views
        }
        return self._render(
            visit, "/account/shared", "Shared with me", views, render("empty_shared"), EMPTY, details=details
        )

    def _render(
        self,
        visit: Visit,
        path: str,
        title: str,
        views: Sequence[RepositoryView],
        empty: Markup,
        pagination: Markup,
        *,
        has_toolbar: bool = False,
        details: Mapping[RepositoryName, Markup] | None = None,
    ) -> Response:
        return self._renderer.render_page(
            visit,
            "repositories",
            title,
            notice=render_notice(visit),
            tabs=render_account_tabs(path),
            toolbar=render("toolbar") if has_toolbar else EMPTY,
            rows=render_repository_rows([view.repository for view in views], details=details) if views else empty,
            pagination=pagination,
        )
