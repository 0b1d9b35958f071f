"""Runs an AWS emulator that enforces IAM, for deployments by hand: `make emulator`.

The variables of a deployer with docs/guide/deployer-policy.json are in build/emulator.env, which `make deploy
EMULATOR=1` uses.
"""

import os
import platform
import signal
import tempfile
from pathlib import Path

from infra import BUILD
from tests.deployed import ministack
from tests.deployed.programs import environment

VARIABLES = BUILD / "emulator.env"


def main() -> None:
    """Run the emulator until it is interrupted."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the emulator ends with this process
    port = int(os.environ.get("PORT", "4566"))
    with tempfile.TemporaryDirectory() as folder, ministack.start(environment("ministack"), Path(folder), port) as aws:
        VARIABLES.write_text(
            "".join(
                f"{name}={value}\n" for name, value in {**aws.create_deployer(), "AWS_REGION": ministack.REGION}.items()
            )
        )
        architecture = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
        print(f"The emulator runs at {aws.url}. Deploy to it from another terminal:")
        print(f"  make deploy EMULATOR=1 OPTIONS='--yes --architecture {architecture}'")
        print("The data is lost when you press Ctrl-C.", flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            VARIABLES.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
