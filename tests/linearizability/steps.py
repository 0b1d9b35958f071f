"""The elementary steps of an operation: what they require of the state, and how they change it."""

from collections.abc import Callable, Collection, Iterator
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain.roles import Role
from tests.linearizability.model import Generation, State, get, put
from tests.linearizability.operations import Account, Operation


class Check(Struct, frozen=True):
    """A condition that must hold at one moment."""

    holds: Callable[[State], bool]


class Change(Struct, frozen=True):
    """A transition to another state at a time. `apply` returns None if it cannot happen in this state."""

    apply: Callable[[State, float], State | None]


Steps = tuple[Check | Change, ...]


class OperationSteps:
    """The conditions and transitions that the steps of one operation use.

    Args:
        operation: the operation.
        generations: all generations that its repository has in the history. The value is the place of the first
            response that contains the generation.
        ended_generations: those that may have been deleted during the operation.
    """

    def __init__(
        self, operation: Operation, generations: dict[str, int], ended_generations: Collection[str] = ()
    ) -> None:
        self.operation = operation
        self.generations = generations
        self.ended_generations = ended_generations

    # Conditions.

    def find(self, state: State) -> Generation | None:
        """Return the current generation, deleted or not."""
        return get(state.repositories, self.operation.repository)

    def find_generation(self, state: State, generation: str) -> Generation | None:
        """Return this generation, deleted or not, if it is the current one."""
        current = self.find(state)
        return current if current is not None and current.id == generation else None

    def find_existing(self, state: State) -> Generation | None:
        """Return the current generation unless it is deleted."""
        current = self.find(state)
        return None if current is None or current.deleted else current

    def is_deleted(self, state: State, generation: str | None = None, confirmed: bool | None = None) -> bool:
        current = self.find(state) if generation is None else self.find_generation(state, generation)
        return current is not None and current.deleted and confirmed in (None, current.confirmed)

    def is_public(self, state: State) -> bool:
        current = self.find_existing(state)
        return current is not None and not current.private

    def is_private(self, state: State) -> bool:
        current = self.find_existing(state)
        return current is not None and current.private

    def lists_found_images(self, generation: Generation) -> bool:
        """Whether this generation has the list that the response contains, if it contains one."""
        return self.operation.listed in (None, generation.images)

    def find_collaborator(self, state: State, generation: str | None = None) -> Role | None:
        """Return the role of the collaborator that the operation names."""
        current = self.find(state) if generation is None else self.find_generation(state, generation)
        return None if current is None else get(current.collaborators, self.operation.target)

    # Transitions of the repository.

    def lost_attempts(self, generation: str) -> Iterator[Steps]:
        """Return the steps of a push into a generation that is deleted before the push has finished.

        The push writes a segment and then reads the head. A reader can see the segment in between. If the head is
        deleted by then, the push removes the segment and begins again. An image remains if another push has added it.
        """

        def is_ended(state: State) -> bool:
            current = self.find_generation(state, generation)
            return current is None or current.deleted

        steps = Change(partial(self.add_images, generation=generation)), Check(is_ended)
        yield steps
        yield *steps, Change(partial(self.remove_images, generation=generation))

    def create(self, state: State, now: float, generation: str) -> State | None:
        if self.find_existing(state) is not None or self.generations[generation] < self.operation.invoked:
            return None  # the repository exists, or this generation existed before the operation was sent
        return self._replace(state, now, Generation(generation).with_images(self.operation.images))

    def add_images(self, state: State, now: float, generation: str) -> State:
        """Add the images. A deleted generation accepts them too, but only its delete token reads them."""
        current = self.find_generation(state, generation)
        if current is None:
            return state
        return self._replace(state, now, current.with_images(self.operation.images))

    def remove_images(self, state: State, now: float, generation: str) -> State:
        current = self.find_generation(state, generation)
        if current is None:
            return state
        return self._replace(state, now, replace(current, images=current.images - self.operation.images))

    def change(
        self, state: State, now: float, generation: str, change: Callable[[Generation], Generation]
    ) -> State | None:
        current = self.find_generation(state, generation)
        return None if current is None or current.deleted else self._replace(state, now, change(current))

    def remove_collaborator(self, state: State, now: float, generation: str) -> State:
        current = self.find_generation(state, generation)
        if current is None:
            return state
        collaborators = put(current.collaborators, self.operation.target, None)
        return self._replace(state, now, replace(current, collaborators=collaborators))

    def confirm_deletion(self, state: State, now: float, generation: str) -> State:
        current = self.find_generation(state, generation)
        if current is None or not current.deleted:
            return state
        return self._replace(state, now, replace(current, confirmed=True))

    def _replace(self, state: State, now: float, after: Generation) -> State:
        return state.with_repository(self.operation.repository, after, self.operation.number, now)

    # Transitions of accounts.

    def change_password(self, state: State, _: float) -> State:
        assert isinstance(self.operation.credential, Account)
        return replace(state, passwords=put(state.passwords, self.operation.credential.name, self.operation.secret))

    def create_robot(self, state: State, _: float) -> State | None:
        if get(state.robots, self.operation.target) is not None:
            return None
        return replace(state, robots=put(state.robots, self.operation.target, self.operation.secret))

    def revoke_robot(self, state: State, _: float) -> State:
        return replace(state, robots=put(state.robots, self.operation.target, None))


def is_right(state: State, account: Account) -> bool:
    """Whether the password or the robot token is right."""
    if account.robot:
        return get(state.robots, f"{account.name}/{account.robot}") == account.secret
    return get(state.passwords, account.name) == account.secret
