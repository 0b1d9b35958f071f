"""The sequences of steps that explain the response to an operation.

An operation does not happen at one moment. It authenticates, reads the repository, reads the collaborators, and writes.
Each step happens at its own moment, in this order, between the request and the response. A *check* is a condition that
must hold at its moment. A *change* leads to another state, or is impossible. An operation can have several alternative
sequences.

For denials, the checks require only what makes a denial right: a principal that has the required role the whole time is
never denied, and a private repository looks like a missing one to a principal that cannot read it.
"""

from collections.abc import Collection, Iterator
from functools import partial

from msgspec.structs import replace

from chalicelib.domain.roles import Role
from tests.linearizability.model import Generation, State, get, put
from tests.linearizability.operations import Account, Kind, Operation, Token
from tests.linearizability.steps import Change, Check, OperationSteps, Steps, is_right
from tests.linearizability.token_steps import TokenSteps

REQUIRED_ROLES = {
    Kind.PUSH: Role.WRITE,
    Kind.UPDATE: Role.WRITE,
    Kind.PULL: Role.READ,
    Kind.DELETE: Role.ADMIN,
    Kind.SET_VISIBILITY: Role.ADMIN,
    Kind.ADD_COLLABORATOR: Role.ADMIN,
    Kind.REMOVE_COLLABORATOR: Role.ADMIN,
}
SUCCESS = {
    Kind.PUSH: (200,),
    Kind.UPDATE: (204,),
    Kind.PULL: (200,),
    Kind.DELETE: (202, 200),
    Kind.SET_VISIBILITY: (204,),
    Kind.ADD_COLLABORATOR: (204,),
    Kind.REMOVE_COLLABORATOR: (204,),
    Kind.LOG_IN: (200,),
    Kind.CHANGE_PASSWORD: (204,),
    Kind.CREATE_ROBOT: (201,),
    Kind.REVOKE_ROBOT: (204,),
}


def allowed_steps(
    operation: Operation, generations: dict[str, int], ended_generations: Collection[str], returned: dict[int, int]
) -> tuple[Steps, ...]:
    """Return the alternative sequences of steps of one operation. If its response was lost: those that succeed.

    The arguments are described in OperationSteps and TokenSteps.
    """
    if isinstance(operation.credential, Token):
        return tuple(
            TokenSteps(operation, operation.credential, generations, ended_generations, returned).alternatives()
        )
    return tuple(AccountSteps(operation, generations, ended_generations, operation.credential).alternatives())


class AccountSteps(OperationSteps):
    """The steps of an operation of an account, a robot or an anonymous client."""

    def __init__(
        self,
        operation: Operation,
        generations: dict[str, int],
        ended_generations: Collection[str],
        account: Account | None,
    ) -> None:
        super().__init__(operation, generations, ended_generations)
        self._account = account

    def alternatives(self) -> Iterator[Steps]:
        operation = self.operation
        if not operation.has_known_outcome or operation.status in SUCCESS[operation.kind]:
            for steps in self._success():
                yield from ((*self._authenticated(), *before, *steps) for before in self._lost_attempts())
        elif operation.status == 401:
            if self._account is not None:
                yield self._authenticated(expected=False)
        else:
            for steps in self._denial():
                yield from ((*self._authenticated(), *before, *steps) for before in self._lost_attempts())

    def _authenticated(self, expected: bool = True) -> Steps:
        account = self._account
        if account is None:
            return ()
        return (Check(lambda state: is_right(state, account) is expected),)

    def _lost_attempts(self) -> Iterator[Steps]:
        """Return what a push may have done before the attempt that its response describes."""
        yield ()
        if self.operation.kind in (Kind.PUSH, Kind.UPDATE):
            for generation in self.ended_generations:
                for authorized in self._authorized(generation):
                    yield from ((*authorized, *steps) for steps in self.lost_attempts(generation))

    # The role of the account.

    def _role(self, generation: Generation) -> Role:
        public = Role.NONE if generation.private else Role.READ
        if self._account is None:
            return public
        shared = get(generation.collaborators, self._account.name) or Role.NONE
        return max(public, min(self._account.max_role, Role.ADMIN if self._is_owner_or_admin else shared))

    @property
    def _is_owner_or_admin(self) -> bool:
        account = self._account
        return account is not None and (account.admin or self.operation.repository.startswith(f"{account.name}/"))

    @property
    def _can_create(self) -> bool:
        return self._account is not None and self._is_owner_or_admin and self._account.max_role >= Role.WRITE

    @property
    def _required(self) -> Role:
        """The required role. Collaborators can remove themselves."""
        operation, account = self.operation, self._account
        removes_itself = (
            operation.kind is Kind.REMOVE_COLLABORATOR
            and account is not None
            and (account.name, account.robot) == (operation.target, "")
        )
        return Role.READ if removes_itself else REQUIRED_ROLES[operation.kind]

    # Success.

    def _success(self) -> Iterator[Steps]:
        operation = self.operation
        match operation.kind:
            case Kind.LOG_IN:
                yield ()
            case Kind.CHANGE_PASSWORD:
                yield (Change(self.change_password),)
            case Kind.CREATE_ROBOT:
                yield (Change(self.create_robot),)
            case Kind.REVOKE_ROBOT:
                exists = Check(lambda state: get(state.robots, operation.target) is not None)
                yield exists, Change(self.revoke_robot)
            case Kind.DELETE if operation.status == 200:
                yield (Check(lambda state: self.is_deleted(state, confirmed=True)),)
            case _:
                for generation in self.generations if operation.generation is None else (operation.generation,):
                    yield from self._success_with(generation)

    def _success_with(self, generation: str) -> Iterator[Steps]:
        """Return the sequences that use this generation of the repository, or create it."""
        kind = self.operation.kind
        for authorized in self._authorized(generation):
            yield *authorized, *self._effects(generation)
        if kind is Kind.PUSH and self._can_create:
            yield (Change(partial(self.create, generation=generation)),)
        if kind is Kind.DELETE and self._is_owner_or_admin:
            yield (Check(lambda state: self.is_deleted(state, generation, confirmed=False)),)

    def _authorized(self, generation: str) -> Iterator[Steps]:
        """Return how the account was authorized: by the head, or by a collaborator item that is read after it."""
        required = self._required

        def exists(state: State) -> bool:
            current = self.find_generation(state, generation)
            return current is not None and not current.deleted and self.lists_found_images(current)

        def has_role(state: State) -> bool:
            current = self.find_generation(state, generation)
            return current is not None and self._role(current) >= required

        yield (Check(lambda state: exists(state) and has_role(state)),)
        if not self._is_owner_or_admin:
            yield Check(exists), Check(has_role)

    def _effects(self, generation: str) -> Steps:
        """Return the steps after the authorization."""
        operation = self.operation
        change = partial(self.change, generation=generation)
        match operation.kind:
            case Kind.PUSH | Kind.UPDATE:
                return (Change(partial(self.add_images, generation=generation)),)
            case Kind.DELETE:
                return (
                    Change(partial(change, change=lambda current: replace(current, deleted=True, confirmed=False))),
                )
            case Kind.SET_VISIBILITY:
                return (Change(partial(change, change=lambda current: replace(current, private=operation.private))),)
            case Kind.ADD_COLLABORATOR:
                return (
                    Change(
                        partial(
                            change,
                            change=lambda current: replace(
                                current, collaborators=put(current.collaborators, operation.target, operation.role)
                            ),
                        )
                    ),
                )
            case Kind.REMOVE_COLLABORATOR:
                exists = Check(lambda state: self.find_collaborator(state, generation) is not None)
                return exists, Change(partial(self.remove_collaborator, generation=generation))
        return ()

    # Denial.

    def _denial(self) -> Iterator[Steps]:
        operation, kind = self.operation, self.operation.kind
        match kind, operation.status:
            case Kind.CREATE_ROBOT, 409:
                yield (Check(lambda state: get(state.robots, operation.target) is not None),)
            case Kind.CHANGE_PASSWORD, 409:
                yield ()
            case Kind.REVOKE_ROBOT, 404:
                yield (Check(lambda state: get(state.robots, operation.target) is None),)
            case _, 403 if kind in REQUIRED_ROLES:
                yield Check(self.is_public), Check(self._lacks_role)
                yield Check(self.is_private), Check(self._can_only_read)
            case _, 404 if kind in REQUIRED_ROLES:
                if not (kind is Kind.PUSH and self._can_create):
                    yield (Check(lambda state: self.find_existing(state) is None),)
                    yield Check(self.is_private), Check(self._lacks_role)
                if kind is Kind.REMOVE_COLLABORATOR:
                    yield (Check(lambda state: self.find_collaborator(state) is None),)

    def _lacks_role(self, state: State) -> bool:
        """Whether the account lacks the role. Its role as a collaborator can end after the head was read."""
        current = self.find_existing(state)
        return current is None or self._role(current) < self._required

    def _can_only_read(self, state: State) -> bool:
        current = self.find_existing(state)
        return current is not None and Role.READ <= self._role(current) < self._required
