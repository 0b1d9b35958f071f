"""Image lists: what clients pull by, and what registries ask for on every request they serve."""

from chalicelib.access import ANONYMOUS, Access
from chalicelib.errors import NotFound, Unauthorized
from chalicelib.images import ImageEntry, ImageLists, checked
from chalicelib.routes.http import (
    JSON,
    LIST_BYTES_AT_MOST,
    Doorman,
    Envelope,
    Reply,
    Request,
    Route,
    decode_body,
    json_reply,
)
from chalicelib.tokens import Grant


class ImageRoutes:
    """`…/images` and `…/layer/(image id)/access`."""

    def __init__(self, lists: ImageLists, doorman: Doorman, envelope: Envelope) -> None:
        self._lists = lists
        self._doorman = doorman
        self._envelope = envelope

    def routes(self) -> list[Route]:
        """What this serves, and where."""
        return [
            Route(method, path + tail, handler, event=event)
            for path in ("/v1/repositories/{namespace}", "/v1/repositories/{namespace}/{repository}")
            for method, tail, handler, event in (
                ("GET", "/images", self.read, None),
                ("PUT", "/images", self.update, "images.updated"),
                ("GET", "/layer/{image}/access", self.has, None),
            )
        ]

    def read(self, request: Request) -> Reply:
        """200 and the list. `Tag` is never echoed: a stale one makes clients pull the wrong image."""
        repository = request.repository
        asker = self._doorman.asker(request)
        found = self._lists.read(asker, repository)
        grant = Grant(repository, Access.READ, found.generation)
        headers = {"Content-Type": JSON, **self._envelope.headers(request, asker, grant)}
        return Reply(200, found.json, headers)

    def update(self, request: Request) -> Reply:
        """204 and nothing else: 200 makes a push fail. Docker >= 1.7 without credentials sends its write token."""
        repository = request.repository
        asker = self._doorman.asker(request)
        if asker is ANONYMOUS:
            raise Unauthorized("sign in with your username and password")
        images = checked(decode_body(request, list[ImageEntry], LIST_BYTES_AT_MOST))
        updated = self._lists.update(asker, repository, images)
        grant = Grant(repository, Access.WRITE, updated.generation)
        return Reply(204, headers=self._envelope.headers(request, asker, grant))

    def has(self, request: Request) -> Reply:
        """Whether a child image may build on this one; a registry refuses the push otherwise."""
        asker = self._doorman.asker(request)
        try:
            found = self._lists.has(asker, request.repository, request.parameters["image"])
        except NotFound:
            found = False
        return json_reply(200 if found else 404, {"access": found})
