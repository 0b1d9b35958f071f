"""`…/images` and `…/layer/(image id)/access`. Registries call them for every request that they serve."""

from chalicelib.api.authentication import Authenticator
from chalicelib.api.docker_headers import DockerHeaders
from chalicelib.api.http import MAX_LIST_BYTES, Route, decode_body
from chalicelib.api.messages import JSON, Request, Response, json_response
from chalicelib.domain.errors import NotAuthenticated, NotFound
from chalicelib.domain.image_list import ImageEntry, parse_image_entries
from chalicelib.domain.roles import ANONYMOUS, Grant, TokenScope
from chalicelib.repositories.image_lists import ImageLists


class ImageRoutes:
    """Endpoints for image lists."""

    def __init__(self, lists: ImageLists, authenticator: Authenticator, docker_headers: DockerHeaders) -> None:
        self._lists = lists
        self._authenticator = authenticator
        self._docker_headers = docker_headers

    def routes(self) -> list[Route]:
        """Return the endpoints. Both path forms are registered: with a namespace, and for `library`."""
        return [
            Route(method, path + suffix, handler, event=event)
            for path in ("/v1/repositories/{namespace}", "/v1/repositories/{namespace}/{repository}")
            for method, suffix, handler, event in (
                ("GET", "/images", self.read, None),
                ("PUT", "/images", self.update, "images.updated"),
                ("GET", "/layer/{image}/access", self.check_layer_access, None),
            )
        ]

    def read(self, request: Request) -> Response:
        """Return 200 and the list. It never contains `Tag`, because an old tag makes clients pull the wrong image."""
        repository = request.repository
        principal = self._authenticator.authenticate(request)
        images = self._lists.read_encoded(principal, repository)
        grant = Grant(repository, TokenScope.READ, images.generation)
        headers = {"Content-Type": JSON, **self._docker_headers.build(request, principal, grant)}
        return Response(200, images.json, headers)

    def update(self, request: Request) -> Response:
        """Return 204; a push fails with 200. Docker 1.7 and later without credentials sends its write token."""
        repository = request.repository
        principal = self._authenticator.authenticate(request)
        if principal is ANONYMOUS:
            raise NotAuthenticated("log in with your username and password")
        images = parse_image_entries(decode_body(request, list[ImageEntry], MAX_LIST_BYTES))
        generation = self._lists.update(principal, repository, images)
        grant = Grant(repository, TokenScope.WRITE, generation)
        return Response(204, headers=self._docker_headers.build(request, principal, grant))

    def check_layer_access(self, request: Request) -> Response:
        """Return whether the list contains an image. A registry rejects the push of its child image otherwise."""
        principal = self._authenticator.authenticate(request)
        try:
            has_access = self._lists.contains_image(principal, request.repository, request.parameters["image"])
        except NotFound:
            has_access = False
        return json_response(200 if has_access else 404, {"access": has_access})
