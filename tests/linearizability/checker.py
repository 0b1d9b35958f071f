"""Decides whether any order of steps explains a history.

The checker keeps the set of all candidates: a state that the index may have, and how far each pending operation may
have got. At each response it takes the steps of all pending operations in every order that ends with this response. It
drops the candidates that cannot give it. A history is not linearizable if a response leaves no candidate.

A check changes nothing, so a check that holds is taken at once: a later moment explains nothing more. Changes are tried
in every order, as late as possible: a change that a response does not need is left to later responses.
"""

from collections.abc import Collection, Iterable, Iterator

from msgspec.structs import replace

from tests.linearizability.allowed_steps import allowed_steps
from tests.linearizability.model import EarlierList, Images, State
from tests.linearizability.operations import History, Kind, Operation, Token
from tests.linearizability.steps import Change, Check, Steps

Positions = frozenset[tuple[int, int]]  # (alternative, number of its steps taken): how far an operation may have got
Candidate = tuple[State, frozenset[tuple[int, Positions]]]  # the state, and the positions of each pending operation
Alternatives = dict[int, tuple[Steps, ...]]  # by the number of the operation
MAX_CANDIDATES = 50_000
MAX_PRINTED_OPERATIONS, MAX_PRINTED_STATES = 40, 3


class NotLinearizable(AssertionError):
    """A response that the model cannot give."""


def check(history: History, initial: State) -> int:
    """Return the largest number of candidates at any moment. Raises NotLinearizable."""
    operations = {operation.number: operation for operation in history.operations}
    alternatives = _find_alternatives(operations.values())
    events = sorted(
        event
        for operation in operations.values()
        for event in (
            (operation.invoked, operation.started, operation.number, False),
            (operation.returned, operation.ended, operation.number, True),
        )
    )
    shown = {
        operation.listed
        for operation in operations.values()
        if isinstance(operation.credential, Token) and operation.listed is not None
    }
    candidates: set[Candidate] = {(initial, frozenset())}
    most = 1
    for _, now, number, is_response in events:
        if not is_response:
            candidates = {
                _take_checks(_invoke(candidate, number, len(alternatives[number])), alternatives)
                for candidate in candidates
            }
            continue
        done = {_return(one, number) for one in _take_changes(candidates, number, alternatives, shown, now)}
        if not operations[number].has_known_outcome:
            done |= {_return(candidate, number) for candidate in candidates}  # the operation had no effect
        if not done:
            raise NotLinearizable(_describe(operations[number], candidates, history))
        candidates = _merge(_drop_expired(candidate, now, shown) for candidate in done)
        most = max(most, len(candidates))
    return most


def _find_alternatives(operations: Collection[Operation]) -> Alternatives:
    generations: dict[str, dict[str, int]] = {}
    for operation in operations:
        known = generations.setdefault(operation.repository, {})
        if operation.generation is not None:
            known[operation.generation] = min(operation.returned, known.get(operation.generation, operation.returned))
        elif operation.kind is Kind.PUSH and not operation.has_known_outcome:
            known[f"created by {operation.number}"] = operation.returned
    returned: dict[int, dict[int, int]] = {}
    for operation in operations:
        same_container = returned.setdefault(operation.container, {})
        if operation.has_known_outcome:
            same_container[operation.number] = operation.returned
    return {
        operation.number: allowed_steps(
            operation,
            generations[operation.repository],
            _find_ended_generations(operation, generations[operation.repository], operations),
            returned[operation.container],
        )
        for operation in operations
    }


def _find_ended_generations(
    operation: Operation, generations: Collection[str], operations: Collection[Operation]
) -> set[str]:
    """Return the generations that may have been deleted during `operation`, and in which its images were seen."""
    ended, seen = set[str](), set[str]()
    for other in operations:
        if other.repository != operation.repository:
            continue
        overlaps = other.invoked < operation.returned and operation.invoked < other.returned
        if other.kind is Kind.DELETE and overlaps:
            if other.generation is not None:
                ended.add(other.generation)
            elif not other.has_known_outcome:
                ended.update(generations)
        if other.listed is not None and other.generation is not None and other.listed & operation.images:
            seen.add(other.generation)
    return ended & seen


def _take_changes(
    candidates: set[Candidate], number: int, alternatives: Alternatives, shown: Collection[Images], now: float
) -> Iterator[Candidate]:
    """Yield every candidate in which the operation `number` is complete, after changes of all pending operations."""
    found, left = set(candidates), list(candidates)
    while left:
        candidate = left.pop()
        if _is_complete(candidate, number, alternatives[number]):
            yield candidate
            continue
        state, pending = candidate
        for other, positions in pending:
            for alternative, position in positions:
                steps = alternatives[other][alternative]
                step = steps[position] if position < len(steps) else None
                changed = step.apply(state, now) if isinstance(step, Change) else None
                if changed is None:
                    continue
                others = {entry for entry in pending if entry[0] != other}
                advanced = (other, frozenset({(alternative, position + 1)}))
                after = _take_checks((changed, frozenset(others | {advanced})), alternatives)
                after = _drop_expired(after, now, shown)
                if after not in found:
                    found.add(after)
                    left.append(after)
        if len(found) > MAX_CANDIDATES:
            raise OverflowError("the history has too many concurrent operations; use fewer clients")


def _take_checks(candidate: Candidate, alternatives: Alternatives) -> Candidate:
    """Return the candidate after every check that holds."""
    state, pending = candidate
    return state, frozenset((number, _advance(state, positions, alternatives[number])) for number, positions in pending)


def _advance(state: State, positions: Positions, alternatives: tuple[Steps, ...]) -> Positions:
    reached, left = set(positions), list(positions)
    while left:
        alternative, position = left.pop()
        if position == len(alternatives[alternative]):
            continue
        step, following = alternatives[alternative][position], (alternative, position + 1)
        if isinstance(step, Check) and following not in reached and step.holds(state):
            reached.add(following)
            left.append(following)
    return frozenset(reached)


def _invoke(candidate: Candidate, number: int, count: int) -> Candidate:
    """Return the candidate with a new pending operation that has `count` alternatives."""
    state, pending = candidate
    return state, pending | {(number, frozenset((alternative, 0) for alternative in range(count)))}


def _is_complete(candidate: Candidate, number: int, alternatives: tuple[Steps, ...]) -> bool:
    positions = next(positions for other, positions in candidate[1] if other == number)
    return any(position == len(alternatives[alternative]) for alternative, position in positions)


def _return(candidate: Candidate, number: int) -> Candidate:
    """Return the candidate without the operation `number`."""
    state, pending = candidate
    return state, frozenset(entry for entry in pending if entry[0] != number)


def _drop_expired(candidate: Candidate, now: float, shown: Collection[Images]) -> Candidate:
    """Drop the earlier lists that no cache contains any more, and those that no response contains."""
    state, pending = candidate
    earlier = tuple(
        entry for entry in state.earlier if entry.until >= now - state.cache_seconds and entry.images in shown
    )
    return candidate if len(earlier) == len(state.earlier) else (replace(state, earlier=earlier), pending)


def _merge(candidates: Iterable[Candidate]) -> set[Candidate]:
    """Merge the candidates that differ only in their earlier lists into one with all of these lists.

    Otherwise there would be too many. A response with a list that none of the states had is still detected.
    """
    merged: dict[Candidate, dict[tuple[str, str, Images], EarlierList]] = {}
    for state, pending in candidates:
        lists = merged.setdefault((replace(state, earlier=()), pending), {})
        for entry in state.earlier:
            key = entry.repository, entry.generation, entry.images
            other = lists.get(key, entry)
            lists[key] = replace(
                entry, until=max(entry.until, other.until), changed_by=entry.changed_by & other.changed_by
            )
    return {
        (replace(state, earlier=tuple(lists.values())) if lists else state, pending)
        for (state, pending), lists in merged.items()
    }


def _describe(operation: Operation, candidates: set[Candidate], history: History) -> str:
    """Return the operations before an impossible response, and some states that were possible."""
    before = [other for other in history.operations if other.invoked < operation.returned]
    return "\n".join(
        [
            f"no order of steps explains {operation}",
            "operations before it:",
            *(f"  {other}" for other in before[-MAX_PRINTED_OPERATIONS:]),
            "some of the possible states:",
            *(f"  {state}" for state, _ in list(candidates)[:MAX_PRINTED_STATES]),
        ]
    )
