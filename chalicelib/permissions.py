"""Whether an asker may do something with a repository: what a token, an account and a share say, in one place."""

from chalicelib.access import Access, Caller, Role, role_of
from chalicelib.errors import Forbidden, NotFound
from chalicelib.names import LIBRARY, RepositoryName
from chalicelib.store.collaborators import CollaboratorStore
from chalicelib.store.images import Head
from chalicelib.tokens import Grant, InvalidToken

_NOWHERE = Head("", private=True)  # a missing repository is looked at like a private one


class Permissions:
    """Judges by a repository's head. Raises Unavailable when the store does not answer."""

    def __init__(self, collaborators: CollaboratorStore) -> None:
        self._collaborators = collaborators

    def admit(self, asker: Caller | Grant, repository: RepositoryName, head: Head | None, needed: Role) -> Head:
        """The head of a living repository with which `asker` may do what takes `needed`; a delete token sees a deleted
        one too.

        Raises NotFound for a missing repository and in the same way for a private one that `asker` may not read;
        Forbidden; InvalidToken for a token of the name's earlier life.
        """
        if isinstance(asker, Grant):
            return _admit_token(asker, head, needed)
        if repository.namespace == LIBRARY and role_of(asker, repository, private=False) < needed:
            raise Forbidden("only an administrator may change the library")  # it hides nothing: no look-up needed
        living = None if head is None or head.deleted else head
        role = self.role(asker, repository, living or _NOWHERE, needed)
        if living is None or role is Role.NONE:
            raise NotFound("repository not found")
        if role < needed:
            raise Forbidden(f"you may only {role.word} {repository}; this takes {needed.word}")
        return living

    def role(self, caller: Caller, repository: RepositoryName, head: Head, needed: Role = Role.ADMIN) -> Role:
        """What `caller` may do. Shares are looked up, in one GetItem, only where they could reach `needed`; of what is
        private also where there are none, or the look-up would tell it from what is missing.
        """
        role = role_of(caller, repository, private=head.private)
        if role >= needed or caller.username is None or not (head.shared or head.private):
            return role
        shared = self._collaborators.role(caller.username, repository, head.generation)
        return role_of(caller, repository, private=head.private, shared=shared)


def _admit_token(grant: Grant, head: Head | None, needed: Role) -> Head:
    if grant.access.role < needed:
        raise Forbidden(f"a {grant.access} token does not {needed.word}")
    if head is None:
        raise NotFound("repository not found")
    if grant.generation != head.generation:
        raise InvalidToken("the token is for an earlier repository of this name; ask for a new one")
    if head.deleted and grant.access is not Access.DELETE:
        raise NotFound("repository not found")
    return head
