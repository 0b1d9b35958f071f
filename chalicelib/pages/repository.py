"""The page of a repository, and the page of its image list."""

from itertools import islice
from urllib.parse import urlencode

from markupsafe import Markup

from chalicelib.api.http import Route, parse_number
from chalicelib.api.messages import Response
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Role
from chalicelib.domain.tags import Tag
from chalicelib.pages.frame import (
    host_of,
    podman_options,
    render_badges,
    render_notice,
    render_pagination,
    render_push_commands,
    render_tabs,
    short_name,
)
from chalicelib.pages.guard import Guard, redirect
from chalicelib.pages.html import EMPTY, PageRenderer, render, render_each
from chalicelib.pages.texts import describe_size, pluralize, render_time, shorten_digest, time_of
from chalicelib.pages.visit import Visit
from chalicelib.repositories.image_lists import ImageLists
from chalicelib.repositories.overview import Overview, Overviews
from chalicelib.repositories.service import RepositoryView
from chalicelib.repositories.tags import TagPage

IMAGES_PER_PAGE = 100


class RepositoryPages:
    """`/r/(namespace)/(repository)` and `/r/(namespace)/(repository)/images`.

    Args:
        guard: creates the routes.
        renderer: renders the pages.
        overviews: reads a repository and its tags.
        lists: reads its images.
        registry: the address of the current registry, or "" if there is none.
    """

    def __init__(
        self,
        guard: Guard,
        renderer: PageRenderer,
        overviews: Overviews,
        lists: ImageLists,
        registry: str,
    ) -> None:
        self._guard = guard
        self._renderer = renderer
        self._overviews = overviews
        self._lists = lists
        self._registry = registry

    def routes(self) -> list[Route]:
        """Return the pages."""
        repository = "/r/{namespace}/{repository}"
        return [
            self._guard.public_if_allowed(repository, self.show),
            self._guard.public_if_allowed(repository + "/images", self.show_images),
        ]

    def show(self, visit: Visit) -> Response:
        """Return the page of a repository. The page of a private one is the same as that of a missing one."""
        name = visit.request.repository
        overview = self._overviews.show(visit.principal, name, visit.request.query.get("after", ""))
        view, tags = overview.view, overview.tags
        repository, can_change = view.repository, view.role >= Role.ADMIN
        address = self._registry or host_of(self._renderer.base_url_for(visit.request))
        pull_name = f"{address}/{name if self._registry else short_name(name)}"
        return self._renderer.render_page(
            visit,
            "repository",
            str(name),
            notice=render_notice(visit),
            badges=render_badges(name, private=repository.private),
            description=_render_description(view),
            tabs=render_repository_tabs(name, "", has_tags=bool(tags.total), can_change=can_change),
            pull=self._render_pull(tags, pull_name),
            tags=self._render_tags(overview, pull_name),
            long_description=_render_long_description(overview.long_description),
            namespace=name.namespace,
            created=render_time(repository.created),
            pushed=_render_fact("Last push", "pushed", render_time(repository.last_pushed)),
            count=_render_fact("Tags", "tags", f"{tags.total:,}" if tags.total else ""),
            role=_render_fact("Your role", "role", view.role.word if visit.session is not None else ""),
        )

    def show_images(self, visit: Visit) -> Response:
        """Return a page of the image list."""
        name = visit.request.repository
        number = parse_number(visit.request, "page", 1)
        images, role = self._lists.read_with_role(visit.principal, name)
        last = max(1, -(-len(images) // IMAGES_PER_PAGE))
        path = f"/r/{name}/images"
        if number > last:
            return redirect(f"{path}?page={last}")
        start = (number - 1) * IMAGES_PER_PAGE
        rows = (
            {"id": image_id, "checksum": render("image_checksum", checksum=checksum) if checksum else EMPTY}
            for image_id, checksum in islice(images.items(), start, start + IMAGES_PER_PAGE)
        )
        return self._renderer.render_page(
            visit,
            "images",
            f"Image list of {name}",
            tabs=render_repository_tabs(name, "/images", has_tags=False, can_change=role >= Role.ADMIN),
            total=len(images),
            count=f"{pluralize(len(images), 'entry')} for Docker 0.6 to 17.03, the oldest first.",
            rows=render("image_rows", rows=render_each("image", rows)),
            pagination=render_pagination(path, "", number, last),
        )

    def _render_pull(self, tags: TagPage, pull_name: str) -> Markup:
        """Return the commands that pull. With a registry but without tags, nothing can be pulled."""
        if not self._registry:
            return render("pull_commands", pull_name=pull_name, podman=EMPTY)
        if not tags.tags:
            return EMPTY
        if not _has_latest(tags):
            pull_name = f"{pull_name}:{tags.tags[0].name}"
        podman = render("pull_podman", pull_name=pull_name, podman_options=podman_options(self._registry))
        return render("pull_commands", pull_name=pull_name, podman=podman)

    def _render_tags(self, overview: Overview, pull_name: str) -> Markup:
        """Return the tags, the newest first, or the commands that push the first one."""
        name, page = overview.view.repository.name, overview.tags
        if not self._registry:
            return EMPTY
        if not page.tags:
            if overview.view.role < Role.WRITE:
                return render("no_tags")
            return render("no_tags_writer", commands=render_push_commands(self._registry, name))
        next_page = render("tags_next", query=urlencode({"after": page.next_name})) if page.next_name else EMPTY
        rows = ({**_describe_tag(tag), "pull_name": pull_name} for tag in page.tags)
        return render("tags", rows=render_each("tag", rows), next_page=next_page)


def render_repository_tabs(name: RepositoryName, current: str, *, has_tags: bool, can_change: bool) -> Markup:
    """Return the links between the pages of a repository. `current` is the end of the path of this page.

    A repository with tags belongs to a current registry, so its image list is mostly empty and has no link.
    """
    ends = [("", "Overview"), *([] if has_tags else [("/images", "Image list")])]
    if can_change:
        ends.append(("/settings", "Settings"))
    return render_tabs([(f"/r/{name}{end}", text) for end, text in ends], f"/r/{name}{current}", "Repository")


def _describe_tag(tag: Tag) -> dict[str, object]:
    return {
        "tag": tag.name,
        "digest": tag.digest,
        "short_digest": shorten_digest(tag.digest),
        "size": describe_size(tag.size),
        "pushed": render_time(time_of(tag)),
    }


def _has_latest(page: TagPage) -> bool:
    """Return whether a pull without a tag works, as far as this page knows."""
    return any(tag.name == "latest" for tag in page.tags)


def _render_description(view: RepositoryView) -> Markup:
    if view.repository.description:
        return render("repository_description", description=view.repository.description)
    return render("describe_hint", name=view.repository.name) if view.role >= Role.ADMIN else EMPTY


def _render_long_description(text: str) -> Markup:
    if not text:
        return EMPTY
    from chalicelib.pages.markdown import render_markdown  # a third of a cold start; few pages need it

    return render("long_description", html=render_markdown(text))


def _render_fact(label: str, kind: str, value: object) -> Markup:
    return render("fact", label=label, kind=kind, value=value) if value else EMPTY
