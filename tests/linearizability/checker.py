"""Whether any order of small steps explains a history.

All worlds that may be the true one are carried along. With each answer that comes, the steps of all that is under way
are taken in every order that ends with that answer, and worlds in which it could not have been given are dropped. A
history is inexplicable at the first answer that leaves none.

Looks change nothing, so one that holds is taken at once: whatever can be explained by taking it later can be explained
so. Acts are tried in every order, and as late as can be: what an answer does not need is left to the next.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from tests.linearizability.allowed_steps import Act, Look, Way, Ways
from tests.linearizability.model import Images, Past, Request, World
from tests.linearizability.requests import History, Kind, Token

Reached = frozenset[tuple[int, int]]  # (way, place in it): how far a request may have come
State = tuple[World, frozenset[tuple[int, Reached]]]  # and how far each request under way has
MAX_STATES = 50_000


class Inexplicable(AssertionError):
    """An answer that the model cannot give."""


def explain(history: History, begin: World) -> int:
    """Raises Inexplicable. Gives how many worlds were possible at once, at most."""
    requests = {request.number: request for request in history.requests}
    ways = _ways(requests.values())
    events = sorted(
        event
        for request in requests.values()
        for event in (
            (request.invoked, request.began, request.number, False),
            (request.answered, request.ended, request.number, True),
        )
    )
    shown = {
        request.found for request in requests.values() if isinstance(request.by, Token) and request.found is not None
    }
    states, most = {(begin, frozenset[tuple[int, Reached]]())}, 1
    for _, now, number, is_answer in events:
        if not is_answer:
            states = {_looked(_sent(state, number, len(ways[number])), ways) for state in states}
            continue
        done = {_answered(state, number) for state in _stepped(states, number, ways, shown, now)}
        if not requests[number].is_known:
            done |= {_answered(state, number) for state in states}  # or it did nothing
        if not done:
            raise Inexplicable(_told(requests[number], states, history))
        states = _united(_forgotten(state, now, shown) for state in done)
        most = max(most, len(states))
    return most


def _ways(requests: Collection[Request]) -> dict[int, tuple[Way, ...]]:
    generations: dict[str, dict[str, int]] = {}
    for request in requests:
        of = generations.setdefault(request.repository, {})
        if request.generation is not None:
            of[request.generation] = min(request.answered, of.get(request.generation, request.answered))
        elif request.kind is Kind.PUSH and not request.is_known:
            of[f"begun by {request.number}"] = request.answered
    answered: dict[int, dict[int, int]] = {}
    for request in requests:
        there = answered.setdefault(request.container, {})
        if request.is_known:
            there[request.number] = request.answered
    return {
        request.number: Ways(request, generations[request.repository], answered[request.container]).all()
        for request in requests
    }


def _stepped(
    states: set[State], done: int, ways: dict[int, tuple[Way, ...]], shown: Collection[Images], now: float
) -> Iterator[State]:
    """Every state in which the request `done` has come to its end, reached by acts of all that is under way."""
    found, left = set(states), list(states)
    while left:
        state = left.pop()
        if _is_done(state, done, ways[done]):
            yield state
            continue
        world, pending = state
        for number, reached in pending:
            for way, place in reached:
                steps = ways[number][way]
                step = steps[place] if place < len(steps) else None
                made = step.makes(world, now) if isinstance(step, Act) else None
                if made is None:
                    continue
                others = {one for one in pending if one[0] != number}
                further = (number, frozenset({(way, place + 1)}))
                after = _forgotten(_looked((made, frozenset(others | {further})), ways), now, shown)
                if after not in found:
                    found.add(after)
                    left.append(after)
        if len(found) > MAX_STATES:
            raise OverflowError("too much is possible: let less happen at once")


def _looked(state: State, ways: dict[int, tuple[Way, ...]]) -> State:
    """The state with every look taken that holds."""
    world, pending = state
    return world, frozenset((number, _further(world, reached, ways[number])) for number, reached in pending)


def _further(world: World, reached: Reached, ways: tuple[Way, ...]) -> Reached:
    far, left = set(reached), list(reached)
    while left:
        way, place = left.pop()
        if place == len(ways[way]):
            continue
        step, further = ways[way][place], (way, place + 1)
        if isinstance(step, Look) and further not in far and step.holds(world):
            far.add(further)
            left.append(further)
    return frozenset(far)


def _sent(state: State, number: int, count: int) -> State:
    world, pending = state
    return world, pending | {(number, frozenset((way, 0) for way in range(count)))}


def _is_done(state: State, number: int, ways: tuple[Way, ...]) -> bool:
    reached = next(reached for one, reached in state[1] if one == number)
    return any(place == len(ways[way]) for way, place in reached)


def _answered(state: State, number: int) -> State:
    world, pending = state
    return world, frozenset(one for one in pending if one[0] != number)


def _forgotten(state: State, now: float, shown: Collection[Images]) -> State:
    """Without what no container remembers any more, and without what no token is ever `shown`."""
    world, pending = state
    past = tuple(one for one in world.past if one.until >= now - world.memory and one.images in shown)
    return state if len(past) == len(world.past) else (replace(world, past=past), pending)


def _united(states: Iterable[State]) -> set[State]:
    """One of all that differ only in what containers may remember: with what any of them may. There are too many else,
    and a list that none of these worlds has had is found out all the same.
    """
    pasts: dict[State, dict[tuple[str, str, Images], Past]] = {}
    for world, pending in states:
        known = pasts.setdefault((replace(world, past=()), pending), {})
        for one in world.past:
            key = one.repository, one.generation, one.images
            other = known.get(key, one)
            known[key] = replace(one, until=max(one.until, other.until), since=one.since & other.since)
    return {
        (replace(world, past=tuple(past.values())) if past else world, pending)
        for (world, pending), past in pasts.items()
    }


def _told(request: Request, states: set[State], history: History) -> str:
    """What happened up to the answer that cannot be."""
    before = [one for one in history.requests if one.invoked < request.answered]
    worlds = [f"  {world}" for world, _ in list(states)[:3]]
    said = (f"  {one}" for one in before[-40:])
    return "\n".join([f"no order of steps explains {request}", "behind", *said, "possible were, for example", *worlds])
