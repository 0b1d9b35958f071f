"""The sequences of steps that explain the response to an access token."""

from collections.abc import Collection, Iterator
from functools import partial

from chalicelib.domain.roles import TokenScope
from tests.linearizability.model import State
from tests.linearizability.operations import Kind, Operation, Token
from tests.linearizability.steps import Change, Check, OperationSteps, Steps

SUCCESS = {Kind.UPDATE: 204, Kind.PULL: 200, Kind.CHECK_TOKEN: 200}


class TokenSteps(OperationSteps):
    """The steps of an operation with a token.

    Args:
        operation: the operation.
        generations: see OperationSteps.
        ended_generations: see OperationSteps.
        returned: for each operation of the same container whose outcome is known, the place of its response.
    """

    def __init__(
        self,
        operation: Operation,
        token: Token,
        generations: dict[str, int],
        ended_generations: Collection[str],
        returned: dict[int, int],
    ) -> None:
        super().__init__(operation, generations, ended_generations)
        self._token = token
        self._returned = returned

    def alternatives(self) -> Iterator[Steps]:
        operation, kind, token = self.operation, self.operation.kind, self._token
        if not operation.has_known_outcome:
            yield self._success()
            return
        has_scope = kind is not Kind.UPDATE or token.scope is TokenScope.WRITE
        if operation.status == SUCCESS[kind] and has_scope and operation.started < token.expiry:
            yield self._success()
            if kind is Kind.PULL and token.scope is TokenScope.READ:
                yield (Check(self._is_cached),)
        if operation.status == (403 if kind is Kind.CHECK_TOKEN else 401):
            if operation.ended >= token.expiry:
                yield ()
            yield (Check(self._is_of_another_generation),)
            if kind is Kind.UPDATE and token.generation in self.ended_generations:
                is_replaced = Check(self._is_of_another_generation)
                for steps in self.lost_attempts(token.generation):
                    yield Check(self._is_valid), *steps, is_replaced
        if operation.status == 403 and not has_scope:
            yield ()
        if operation.status == 404:
            yield (Check(lambda state: self.find(state) is None),)
            if token.scope is not TokenScope.DELETE:
                yield (Check(lambda state: self.is_deleted(state, token.generation)),)
            if kind is Kind.UPDATE and token.generation in self.ended_generations:
                yield from ((Check(self._is_valid), *steps) for steps in self.lost_attempts(token.generation))

    def _success(self) -> Steps:
        """Return the steps of a valid token. A delete token completes the deletion."""
        generation = self._token.generation
        if self.operation.kind is Kind.UPDATE:
            return Check(self._is_valid), Change(partial(self.add_images, generation=generation))
        if self._token.scope is TokenScope.DELETE:
            return Check(self._is_valid), Change(partial(self.confirm_deletion, generation=generation))
        return (Check(self._is_valid),)

    def _is_valid(self, state: State) -> bool:
        current = self.find_generation(state, self._token.generation)
        if current is None or (current.deleted and self._token.scope is not TokenScope.DELETE):
            return False
        return self.lists_found_images(current)

    def _is_of_another_generation(self, state: State) -> bool:
        current = self.find(state)
        return current is not None and current.id != self._token.generation

    def _is_cached(self, state: State) -> bool:
        """Whether the container may have the list in its cache, because it has not changed the repository since."""
        operation = self.operation
        expected = operation.repository, self._token.generation, operation.listed
        return any(
            (entry.repository, entry.generation, entry.images) == expected
            and entry.until >= operation.started - state.cache_seconds
            and all(self._returned.get(number, operation.invoked) >= operation.invoked for number in entry.changed_by)
            for entry in state.earlier
        )
