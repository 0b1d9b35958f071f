"""Measures cold starts under Lambda's runtime client: the package, Chalice's own zip and a bare Chalice app.

`python -m bench.cold_start` runs them in turns and takes the best of many rounds, in processor time. Only the ratios
carry over to other machines. The store is reached over TLS. The runtime client and the bare app have byte code;
Chalice's own zip has none, and Lambda cannot write it. valgrind counts instructions, if it is installed.
"""

import compileall
import logging
import platform
import re
import resource
import shutil
import subprocess
import tempfile
import zipfile
from collections import Counter
from pathlib import Path

from bench.processes import run_in_process
from bench.results import ratio, save
from bench.tls_store import run_tls_store
from chalicelib.aws import ROOT_CERTIFICATES, create_clients
from infra.deploy.package import build_package
from infra.devserver.moto_aws import create_stack, local_aws
from tests.deployed.programs import environment
from tests.deployed.runtime import cold_start

STACK = "bench-cold"
PATH = "/v1/repositories/some/thing/images"
ROUNDS = 20
IMPORT_ROUNDS = 5
BARE_APP = """
from chalice.app import Chalice
app = Chalice("bare")
@app.route("/v1/_ping")
def ping():
    return True
@app.route("/v1/repositories/{namespace}/{repository}/images")
def images(namespace, repository):
    return []
"""
_PRINT_PEAK = "sys.stderr.write([line for line in open('/proc/self/status') if line.startswith('VmHWM')][0])"
LIBRARIES = (
    "botocore",
    "urllib3",
    "pynamodb",
    "chalice",
    "msgspec",
    "bcrypt",
    "dateutil",
    "jmespath",
    "blinker",
    "markupsafe",
)


def main() -> None:
    """Build the package, measure, print and save."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    python = environment("runtime")
    compileall.compile_dir(python.parents[1] / "lib", quiet=2)
    with tempfile.TemporaryDirectory() as folder, local_aws(), run_tls_store(Path(folder)) as (url, certificate):
        out = Path(folder)
        architecture = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
        built = build_package(out / "package", architecture)
        if built.untrimmed is None:
            raise RuntimeError("the package was not built here")
        for file, name in ((built.zip, "waybill"), (built.untrimmed, "chalice")):
            zipfile.ZipFile(file).extractall(out / name)
        with zipfile.ZipFile(built.untrimmed) as archive:
            archive.extractall(out / "bare", [name for name in archive.namelist() if name.startswith("chalice/")])
        (out / "bare" / "app.py").write_text(BARE_APP)
        compileall.compile_dir(out / "bare", quiet=2)
        for name in ("waybill", "chalice"):
            roots = out / name / "chalicelib" / ROOT_CERTIFICATES.name
            roots.write_text(roots.read_text() + certificate.read_text())
        create_stack(create_clients("us-east-1"), STACK)
        variables = {"AWS_ENDPOINT_URL": url, "STACK": STACK}
        names = ("bare", "waybill", "chalice")
        starts, inits, memory = ({name: list[float]() for name in names} for _ in range(3))
        for _ in range(ROUNDS):
            for name in names:
                starts[name].append(cold_start(python, out / name, variables, PATH))
                seconds, megabytes = run_in_process(measure_init, python, out / name)
                inits[name].append(seconds)
                memory[name].append(megabytes)
        size, untrimmed_size = built.size, built.untrimmed_size
        instructions = {name: count_instructions(python, out / name) for name in names}
        imports = {name: measure_imports(python, out / name) for name in ("waybill", "chalice")}
    best = {name: min(times) for name, times in starts.items()}
    results = {
        "zip megabytes": {"waybill": round(size / 1e6, 2), "chalice": round(untrimmed_size / 1e6, 2)},
        "milliseconds": {name: round(seconds * 1e3) for name, seconds in best.items()},
        "init milliseconds": {name: round(min(times) * 1e3) for name, times in inits.items()},
        "of chalice": ratio(best["waybill"], best["chalice"]),
        "of bare": ratio(best["waybill"], best["bare"]),
        "million instructions": {name: round(count / 1e6) for name, count in instructions.items()},
        "peak megabytes": {name: round(min(values)) for name, values in memory.items()},
        "imports": imports,
    }
    save("cold_start", results)
    print(f"cold start   {best['waybill'] * 1e3:5.0f} ms   {results['of chalice']:5.2f} of Chalice's own zip")
    print(f"                        {results['of bare']:5.2f} of a bare Chalice app")
    if instructions["waybill"]:
        print(
            f"instructions of the init: {ratio(instructions['waybill'], instructions['chalice'])} of Chalice's own zip"
        )
    print(f"zip          {size / 1e6:5.2f} MB   {size / untrimmed_size:5.2f} of Chalice's own zip")
    print(f"peak memory  {results['peak megabytes']} MB")


def measure_init(python: Path, code: Path) -> tuple[float, float]:
    """Return the processor seconds until the app is loaded, without a request, and the peak memory in megabytes."""
    output = _run(code, python, "-c", "import awslambdaric.bootstrap, app, sys\n" + _PRINT_PEAK)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime, int(output.split()[-2]) / 1024


def count_instructions(python: Path, code: Path) -> int:
    """Return the number of instructions until the app is loaded, or 0 without valgrind."""
    if shutil.which("valgrind") is None:
        return 0
    valgrind = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
    output = _run(code, *valgrind, python, "-c", "import awslambdaric.bootstrap, app")
    match = re.search(r"I +refs: +([0-9,]+)", output)
    assert match is not None, output
    return int(match[1].replace(",", ""))


def measure_imports(python: Path, code: Path) -> dict[str, float]:
    """Return the milliseconds of the imports of each library. Each module counts with its best time."""
    best: dict[str, int] = {}
    for _ in range(IMPORT_ROUNDS):
        for line in _run(code, python, "-X", "importtime", "-c", "import app").splitlines():
            own, _, module = line.removeprefix("import time:").split("|")
            if own.strip().isdigit():
                best[module.strip()] = min(int(own), best.get(module.strip(), 10**9))
    groups: Counter[str] = Counter()
    for module, microseconds in best.items():
        groups[_find_library(module)] += microseconds
    return {name: round(total / 1e3, 1) for name, total in groups.most_common()}


def _find_library(module: str) -> str:
    top = module.partition(".")[0]
    if top == "chalicelib":
        return "Waybill"
    if top == "app":
        return "creating clients"
    return top if top in LIBRARIES else "standard library"


def _run(code: Path, *command: object) -> str:
    """Run a command in the environment of the function. Return its standard error."""
    return subprocess.run(  # nosec B603  # fixed arguments
        list(map(str, command)),
        cwd=code,
        env={
            "PYTHONPATH": str(code),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "STACK": STACK,
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
