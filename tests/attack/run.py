"""The attacked index, and one kind of attack on it."""

import random
import time
from collections.abc import Iterator
from itertools import islice

from chalicelib.settings import Settings
from tests.attack.attacks import ATTACKS, WORDS, Attack
from tests.attack.meter import Meter, measured
from tests.index import Index
from tests.stored_repositories import store_repositories


def create_attacked_index(images: int = 29_000, repositories: int = 200) -> Index:
    """Create an index with accounts, common words, many private repositories and one long list."""
    index = Index(Settings(bcrypt_cost=4))
    alice = index.create_account("alice")
    index.create_account("bobby")
    index.push("alice/web", alice, "image")
    body = [{"id": f"{number:064x}", "checksum": f"sha256:{number:064x}"} for number in range(images)]
    assert index.request("PUT", "/v1/repositories/alice/long", alice, json=body).status == 200
    store_repositories(index, (f"alice/{WORDS[n % 8]}-{WORDS[n % 7]}-{n:04}" for n in range(repositories)))
    store_repositories(index, (f"private/secret-{n:04}" for n in range(repositories)), private=True)
    return index


def send(index: Index, attack: Attack) -> int:
    """Send one request, and return the status."""
    return index.request(attack.method, attack.path, attack.auth, json=attack.json, client_ip=attack.client_ip).status


def run(index: Index, name: str, *, seconds: float = float("inf"), requests: int | None = None, seed: int = 0) -> Meter:
    """Send one kind of requests, for some seconds or until `requests` are sent."""
    meter, end = Meter(), time.monotonic() + seconds
    attacks: Iterator[Attack] = islice(ATTACKS[name](random.Random(seed)), requests)
    with measured(index.aws, meter):
        for attack in attacks:
            reads = meter.reads
            meter.add_response(send(index, attack), reads)
            if time.monotonic() > end:
                break
    return meter
