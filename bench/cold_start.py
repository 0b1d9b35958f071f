"""Cold start of the packaged function under Lambda's runtime client, beside Chalice's own zip and a bare Chalice app.

`python -m bench.cold_start`: in turns, the best of several, in processor time. Only the ratios mean anything.
"""

import logging
import platform
import resource
import subprocess
import tempfile
import zipfile
from collections import Counter
from pathlib import Path

from moto.server import ThreadedMotoServer

from bench.processes import alone
from bench.results import ratio, save
from chalicelib.aws import create_clients
from infra.deploy.package import package
from infra.devserver.moto_aws import create_stack, local_aws
from tests.deployed.programs import environment
from tests.deployed.runtime import cold_start

STACK = "bench-cold"
PATH = "/v1/repositories/some/thing/images"
ROUNDS = 20
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
_PEAK = "sys.stderr.write([line for line in open('/proc/self/status') if line.startswith('VmHWM')][0])"
LIBRARIES = ("botocore", "urllib3", "pynamodb", "chalice", "msgspec", "bcrypt", "dateutil", "jmespath", "blinker")


def main() -> None:
    """Packages, measures, prints and saves."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    python = environment("runtime")
    with tempfile.TemporaryDirectory() as folder, local_aws():
        out = Path(folder)
        made = package(out / "package", {"aarch64": "arm64"}.get(platform.machine(), platform.machine()))
        for archive, name in ((made.zip, "waybill"), (made.untrimmed, "chalice")):
            zipfile.ZipFile(archive).extractall(out / name)
        with zipfile.ZipFile(made.untrimmed) as opened:
            opened.extractall(out / "bare", [name for name in opened.namelist() if name.startswith("chalice/")])
        (out / "bare" / "app.py").write_text(BARE)
        create_stack(create_clients("us-east-1"), STACK)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        surroundings = {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "STACK": STACK}
        names = ("bare", "waybill", "chalice")
        whole, inits, memory = ({name: [0.0] * 0 for name in names} for _ in range(3))
        for _ in range(ROUNDS):
            for name in names:
                whole[name].append(cold_start(python, out / name, surroundings, PATH))
                seconds, megabytes = alone(one_init, python, out / name)
                inits[name].append(seconds)
                memory[name].append(megabytes)
        server.stop()
        imports = {name: import_times(python, out / name) for name in ("waybill", "chalice")}
    best = {name: min(times) for name, times in whole.items()}
    measured = {
        "zip megabytes": {"waybill": round(made.size / 1e6, 2), "chalice": round(made.untrimmed_size / 1e6, 2)},
        "milliseconds": {name: round(seconds * 1e3) for name, seconds in best.items()},
        "of which init": {name: round(min(times) * 1e3) for name, times in inits.items()},
        "of chalice": ratio(best["waybill"], best["chalice"]),
        "of bare": ratio(best["waybill"], best["bare"]),
        "peak megabytes": {name: round(min(values)) for name, values in memory.items()},
        "imports": imports,
    }
    save("cold_start", measured)
    print(f"cold start   {best['waybill'] * 1e3:5.0f} ms   {measured['of chalice']:5.2f} of Chalice's own zip")
    print(f"                        {measured['of bare']:5.2f} of a bare Chalice app")
    print(f"zip          {made.size / 1e6:5.2f} MB   {made.size / made.untrimmed_size:5.2f} of Chalice's own")
    print(f"peak memory  {measured['peak megabytes']} MB")


def one_init(python: Path, code: Path) -> tuple[float, float]:
    """Processor seconds until the app is there and no request has come, and megabytes at the most."""
    said = _run(python, code, "-c", "import awslambdaric.bootstrap, app, sys\n" + _PEAK)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime, int(said.split()[-2]) / 1024


def import_times(python: Path, code: Path) -> dict[str, float]:
    """Milliseconds of importing, by whose modules they are. Each module's best of five."""
    best: dict[str, int] = {}
    for _ in range(5):
        for line in _run(python, code, "-X", "importtime", "-c", "import app").splitlines():
            own, _, module = line.removeprefix("import time:").split("|")
            if own.strip().isdigit():
                best[module.strip()] = min(int(own), best.get(module.strip(), 10**9))
    groups: Counter[str] = Counter()
    for module, microseconds in best.items():
        groups[_whose(module)] += microseconds
    return {name: round(total / 1e3, 1) for name, total in groups.most_common()}


def _whose(module: str) -> str:
    top = module.partition(".")[0]
    if top == "chalicelib":
        return "Waybill"
    if top == "app":
        return "making clients"
    return top if top in LIBRARIES else "Python's own"


def _run(python: Path, code: Path, *arguments: str) -> str:
    """Runs in the function's environment; gives what it says on standard error."""
    return subprocess.run(  # nosec B603  # our own arguments
        [python, *arguments],
        cwd=code,
        env={
            "PYTHONPATH": str(code),
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        },
        capture_output=True,
        text=True,
        check=True,
    ).stderr


if __name__ == "__main__":
    main()
