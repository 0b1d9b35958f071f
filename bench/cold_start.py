"""Cold start of the packaged function under Lambda's runtime client, beside Chalice's own zip and a bare Chalice app.

`python -m bench.cold_start`: in turns, the best of four each, in processor time. Only the ratios mean anything.
"""

import logging
import platform
import tempfile
import zipfile
from pathlib import Path

from moto.server import ThreadedMotoServer

from chalicelib.aws import connect
from infra.local.aws import create_stack, local_aws
from infra.package import package
from tests.deployed.programs import environment
from tests.deployed.runtime import cold_start

STACK = "bench-cold"
PATH = "/v1/repositories/some/thing/images"
BARE = """
from chalice.app import Chalice
app = Chalice("bare")
@app.route("/v1/_ping")
def ping():
    return True
@app.route("/v1/repositories/{namespace}/{repository}/images")
def images(namespace, repository):
    return []
"""


def main() -> None:
    """Packages, measures and prints."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    python = environment("runtime")
    with tempfile.TemporaryDirectory() as folder, local_aws():
        out = Path(folder)
        made = package(out / "package", {"aarch64": "arm64"}.get(platform.machine(), platform.machine()))
        for archive, name in ((made.zip, "ours"), (made.untrimmed, "chalice")):
            zipfile.ZipFile(archive).extractall(out / name)
        with zipfile.ZipFile(made.untrimmed) as opened:
            opened.extractall(out / "bare", [name for name in opened.namelist() if name.startswith("chalice/")])
        (out / "bare" / "app.py").write_text(BARE)
        create_stack(connect("us-east-1"), STACK)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        surroundings = {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "STACK": STACK}
        took: dict[str, list[float]] = {"bare": [], "ours": [], "chalice": []}
        for _ in range(4):
            for name, times in took.items():
                times.append(cold_start(python, out / name, surroundings, PATH))
        server.stop()
    best = {name: min(times) for name, times in took.items()}
    print(f"zip          {made.size / 1e6:5.2f} MB   {made.size / made.untrimmed_size:5.2f} of Chalice's own")
    print(f"cold start   {best['ours'] * 1e3:5.0f} ms   {best['ours'] / best['chalice']:5.2f} of Chalice's own zip")
    print(f"                        {best['ours'] / best['bare']:5.2f} of a bare Chalice app")


if __name__ == "__main__":
    main()
