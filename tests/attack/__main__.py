"""Attacks a local index for a bounded time, and prints what 1,000 requests of each kind cost."""

import argparse
import json
import sys

from chalicelib.domain.choices import SignerKind
from infra.devserver.moto_aws import local_aws
from tests.attack.attacks import ATTACKS
from tests.attack.run import create_attacked_index, run

COLUMNS = ("bcrypt", "read units", "write units", "KMS calls")


def main() -> int:
    """Run all attacks, and return 1 if a response was a server error."""
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="The time for all attacks.  [default: 20]")
    parser.add_argument("--seed", type=int, default=0, help="The seed of the random requests.  [default: 0]")
    parser.add_argument("--json", action="store_true", help="Print one JSON object for each kind of attack.")
    options = parser.parse_args()
    failures = 0
    with local_aws():
        index = create_attacked_index()
        kinds = [(name, index, name) for name in ATTACKS]
        kinds.append(("forged tokens, SIGNER=kms", index.restart(signer=SignerKind.KMS), "forged tokens"))
        if not options.json:
            print(
                f"{'per 1,000 requests':30}{''.join(f'{column:>13}' for column in COLUMNS)}{'requests':>10}  statuses"
            )
        for title, container, name in kinds:
            meter = run(container, name, seconds=options.seconds / len(kinds), seed=options.seed)
            failures += sum(count for status, count in meter.statuses.items() if status >= 500)
            counts = meter.per_thousand()
            if options.json:
                row = {"attack": title, **counts, "requests": meter.requests, "most read units": meter.most_reads}
                print(json.dumps({**row, "statuses": meter.statuses}))
                continue
            statuses = ", ".join(f"{count} x {status}" for status, count in sorted(meter.statuses.items()))
            cells = "".join(f"{counts[column]:13,.0f}" for column in COLUMNS)
            print(f"{title:30}{cells}{meter.requests:10,}  {statuses}; at most {meter.most_reads:,.0f} read units")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
