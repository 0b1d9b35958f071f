"""Scopes of the Docker registry token protocol: `type[(class)]:name:action[,action]`.

The source is distribution's "Token Scope Documentation". A name can contain colons, because it can contain a port, so
the type ends at the first colon and the actions start at the last one.
"""

import re
from collections.abc import Iterable

from msgspec import Struct

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Role

MAX_SCOPES = 20  # the signed bytes of a token must fit into 4,096 bytes, the limit of KMS
MAX_SCOPE_LENGTH = 4_096  # characters of all scopes together
_SCOPE = re.compile(r"(?P<type>[a-z0-9]+)(?:\([a-z0-9]+\))?:(?P<name>[^\s]*):(?P<actions>[a-z*,]*)", re.ASCII)
_ROLES = {"pull": Role.READ, "push": Role.WRITE, "delete": Role.ADMIN}
EVERYTHING = "*"


class Scope(Struct, frozen=True, order=True):
    """A requested or granted scope.

    Attributes:
        type: `repository` or `registry`.
        name: the name of the repository, or `catalog`.
        actions: the actions, without duplicates.
    """

    type: str
    name: str
    actions: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.type}:{self.name}:{','.join(self.actions)}"

    @property
    def repository(self) -> RepositoryName | None:
        """The repository, or None if Waybill cannot contain one with this name.

        A name with one part is not accepted: `web` and `library/web` are two repositories in a registry and one here.
        """
        namespace, slash, name = self.name.partition("/")
        if self.type != "repository" or not slash:
            return None
        try:
            return RepositoryName.of(namespace, name)
        except InvalidInput:
            return None


def parse_scopes(texts: Iterable[str]) -> list[Scope]:
    """Return the requested scopes. Each text can contain several, separated by spaces.

    The actions of scopes with the same type and name are merged. Raises InvalidInput.
    """
    words = [word for text in texts for word in text.split(" ") if word]
    if sum(map(len, words)) > MAX_SCOPE_LENGTH:
        raise InvalidInput(f"the scopes can have at most {MAX_SCOPE_LENGTH} characters together")
    actions: dict[tuple[str, str], dict[str, None]] = {}
    for word in words:
        match = _SCOPE.fullmatch(word)
        if match is None:
            raise InvalidInput("a scope must have the form type:name:action,action")
        requested = actions.setdefault((match["type"], match["name"]), {})
        requested.update(dict.fromkeys(action for action in match["actions"].split(",") if action))
    if len(actions) > MAX_SCOPES:
        raise InvalidInput(f"a token can have at most {MAX_SCOPES} scopes")
    return [Scope(kind, name, tuple(requested)) for (kind, name), requested in actions.items()]


def required_role(requested: Iterable[str]) -> Role:
    """Return the lowest role that allows all requested actions. Unknown actions need none."""
    return max(
        (Role.ADMIN if action == EVERYTHING else _ROLES.get(action, Role.NONE) for action in requested),
        default=Role.NONE,
    )


def allowed_actions(requested: Iterable[str], role: Role) -> tuple[str, ...]:
    """Return the requested actions that a role allows, in the order of the table. `*` stands for all of them.

    | role  | pull | push | delete, * |
    | ----- | ---- | ---- | --------- |
    | READ  | yes  | -    | -         |
    | WRITE | yes  | yes  | -         |
    | ADMIN | yes  | yes  | yes       |
    """
    held = [action for action, required in _ROLES.items() if role >= required]
    if role >= Role.ADMIN:
        held.append(EVERYTHING)
    wanted = frozenset(requested)
    return tuple(held if EVERYTHING in wanted else [action for action in held if action in wanted])
