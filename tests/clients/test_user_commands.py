"""The commands for users, against the local server and against servers that are not an index."""

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import requests

from infra.exit_codes import ExitCode
from tests.admin_commands import CommandResult, run_local, run_user
from tests.clients.conftest import ADMIN_PASSWORD, ROOT, WAIT_SECONDS, Server, run_server

PASSWORD = "sekret123"


def log_in(home: Path, server: Server, username: str) -> None:
    """Register an account and log in."""
    server.register(username, PASSWORD)
    arguments = ("login", server.base_url, "--username", username, "--password-stdin")
    result = run_user(home, *arguments, stdin=PASSWORD + "\n")
    assert result.status == 0, result
    assert PASSWORD not in result.stdout + result.stderr


def push(server: Server, username: str, name: str) -> None:
    url = server.url(f"/v1/repositories/{username}/{name}/")
    assert requests.put(url, data="[]", auth=(username, PASSWORD), timeout=10).status_code == 200


def is_error(result: CommandResult, code: ExitCode) -> bool:
    return result.is_readable_error and result.status == code


def test_user_describes_shares_and_deletes_a_repository(server: Server, tmp_path: Path) -> None:
    log_in(tmp_path, server, "carla")
    push(server, "carla", "web")
    server.register("diego")
    for arguments in (
        ("repositories", "describe", "web", "Über uns"),
        ("repositories", "visibility", "web", "private"),
        ("repositories", "share", "web", "diego", "--access", "write"),
    ):
        assert run_user(tmp_path, *arguments).status == 0
    shown = run_user(tmp_path, "repositories", "show", "web", "--json").json
    assert (shown["repository"], shown["visibility"], shown["description"]) == ("carla/web", "private", "Über uns")
    assert shown["collaborators"] == ["diego (write)"]
    assert [row["repository"] for row in run_user(tmp_path, "search", "über", "--json").json] == ["carla/web"]
    assert run_user(tmp_path, "repositories", "unshare", "web", "diego").status == 0
    assert run_user(tmp_path, "repositories", "list").stdout.split("\t")[:2] == ["carla/web", "private"]
    assert run_user(tmp_path, "tags", "web", "--json").json == []
    assert run_user(tmp_path, "repositories", "delete", "web", stdin="n\n").status == ExitCode.FAILURE
    assert run_user(tmp_path, "repositories", "delete", "web", stdin="").status == ExitCode.FAILURE
    assert run_user(tmp_path, "repositories", "show", "carla/web").status == 0
    assert run_user(tmp_path, "repositories", "transfer", "web", "site", stdin="n\n").status == ExitCode.FAILURE
    assert is_error(run_user(tmp_path, "repositories", "transfer", "web", "diego/web", "--yes"), ExitCode.FAILURE)
    assert run_user(tmp_path, "repositories", "transfer", "web", "site", "--yes").status == 0
    assert is_error(run_user(tmp_path, "repositories", "show", "web"), ExitCode.FAILURE)
    assert run_user(tmp_path, "repositories", "delete", "site", "--yes").status == 0
    assert is_error(run_user(tmp_path, "repositories", "show", "web"), ExitCode.FAILURE)


def test_registry_is_named_for_the_login_of_a_robot_and_after_a_deletion(tmp_path: Path) -> None:
    with run_server(tmp_path, REGISTRIES="registry.local", REGISTRY_ADDRESS="localhost:5000") as server:
        log_in(tmp_path, server, "carla")
        created = run_user(tmp_path, "robots", "create", "ci")
        assert created.stderr.splitlines()[-1].endswith(" localhost:5000")
        for name in ("web", "shop", "api"):
            push(server, "carla", name)
        deleted = run_user(tmp_path, "repositories", "delete", "web", "--yes")
        assert "docker://localhost:5000/carla/web:TAG" in deleted.stderr
        as_json = run_user(tmp_path, "repositories", "delete", "shop", "--yes", "--json")
        assert (as_json.json["remaining"], as_json.stderr) == ("localhost:5000/carla/shop", "")
        arguments = ("repositories", "delete", "carla/api", "--yes")
        by_operator = run_local(server.base_url, *arguments, password=ADMIN_PASSWORD)
        assert "docker://localhost:5000/carla/api:TAG" in by_operator.stderr


def test_whoami_shows_the_account_and_checks_it(server: Server, tmp_path: Path) -> None:
    assert is_error(run_user(tmp_path, "whoami"), ExitCode.LOGIN)
    log_in(tmp_path, server, "wanda")
    assert run_user(tmp_path, "whoami").stdout == f"wanda on {server.base_url}\n"
    assert run_user(tmp_path, "whoami", "--json").json == {"username": "wanda", "url": server.base_url}
    other = {"password": "another secret"}
    url = server.url("/v1/users/wanda")
    assert requests.put(url, json=other, auth=("wanda", PASSWORD), timeout=10).status_code == 204
    assert is_error(run_user(tmp_path, "whoami"), ExitCode.LOGIN)


def test_robot_token_is_the_only_output_and_works(server: Server, tmp_path: Path) -> None:
    log_in(tmp_path, server, "robin")
    push(server, "robin", "web")
    arguments = ("robots", "create", "ci", "--access", "write", "--repository", "web", "--expires-in", "1d")
    created = run_user(tmp_path, *arguments)
    token = created.stdout.strip()
    assert token.startswith("wbr_ci_")
    assert token not in created.stderr
    assert "docker login --username robin" in created.stderr
    assert requests.get(server.url("/v1/users/"), auth=("robin", token), timeout=10).status_code == 200
    (listed,) = run_user(tmp_path, "robots", "list", "--json").json
    assert (listed["access"], listed["repositories"]) == ("write", ["robin/web"])
    assert is_error(run_user(tmp_path, "robots", "create", "ci"), ExitCode.FAILURE)
    assert run_user(tmp_path, "robots", "revoke", "ci").status == 0
    assert run_user(tmp_path, "robots", "list").stdout == ""


def test_robot_of_an_organization(server: Server, tmp_path: Path) -> None:
    log_in(tmp_path, server, "olga")
    url = server.url("/v1/organizations/acme")
    assert requests.put(url, json={}, auth=("olga", PASSWORD), timeout=10).status_code in (200, 201, 204)
    option = ("--organization", "acme")
    created = run_user(tmp_path, "robots", "create", "ci", "--repository", "web", *option)
    assert "docker login --username acme" in created.stderr
    auth = ("acme", created.stdout.strip())
    assert requests.get(server.url("/v1/users/"), auth=auth, timeout=10).status_code == 200
    (listed,) = run_user(tmp_path, "robots", "list", "--json", *option).json
    assert listed["repositories"] == ["acme/web"]
    assert run_user(tmp_path, "robots", "list").stdout == ""
    assert run_user(tmp_path, "robots", "revoke", "ci", *option).status == 0


def test_organization_is_created_filled_and_deleted(server: Server, tmp_path: Path) -> None:
    server.register("mara", PASSWORD)
    log_in(tmp_path, server, "otto")
    run = partial(run_user, tmp_path, "organizations")
    assert run("create", "my-team").status == 0
    assert is_error(run("create", "my-team"), ExitCode.FAILURE)
    assert is_error(run("create", "library"), ExitCode.FAILURE)
    assert run("create", "other", "--administrator", "mara").status == ExitCode.USAGE
    assert run("add", "my-team", "mara", "--access", "write").status == 0
    assert is_error(run("add", "my-team", "nobody"), ExitCode.FAILURE)
    shown = run("show", "my-team", "--json").json
    assert (shown["access"], shown["members"]) == ("admin", ["mara (write)", "otto (admin)"])
    assert run("list").stdout == "my-team\tadmin\n"
    assert is_error(run("remove", "my-team", "otto"), ExitCode.FAILURE)
    assert run("remove", "my-team", "mara").status == 0
    assert run("delete", "my-team", stdin="n\n").status == ExitCode.FAILURE
    assert run("delete", "my-team", "--yes").status == 0
    assert run("list", "--json").json == []


def test_robot_whose_token_cannot_be_written_is_revoked(server: Server, tmp_path: Path) -> None:
    log_in(tmp_path, server, "rosa")
    folders = {"HOME": tmp_path, "DOCKER_CONFIG": tmp_path / "docker", "XDG_CONFIG_HOME": tmp_path / "config"}
    environment = {**os.environ, **{name: str(folder) for name, folder in folders.items()}}
    for option in ("", "--json"):
        script = f"{sys.executable} -m infra robots create ci {option} > /dev/full"
        process = subprocess.run(["bash", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True)
        assert process.returncode == ExitCode.FAILURE
        assert "wbr_" not in process.stderr
        assert run_user(tmp_path, "robots", "list").stdout == ""


def test_password_that_is_not_a_text_is_rejected(server: Server, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "infra", "login", server.base_url, "--username", "alice", "--password-stdin"]
    environment = {**os.environ, "DOCKER_CONFIG": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    process = subprocess.run(command, cwd=ROOT, env=environment, input=b"\xff\xfe\n", capture_output=True)
    assert process.returncode == ExitCode.FAILURE
    assert len(process.stderr.splitlines()) == 1


def test_search_without_a_login_finds_public_repositories(server: Server, tmp_path: Path) -> None:
    server.register("paula", PASSWORD)
    for number in range(3):
        push(server, "paula", f"pages-{number}")
    found = run_user(tmp_path, "search", "pages", "--url", server.base_url, "--json").json
    assert [row["repository"] for row in found] == [f"paula/pages-{number}" for number in range(3)]
    limited = run_user(tmp_path, "search", "pages", "--limit", "2", "--url", server.base_url)
    assert len(limited.stdout.splitlines()) == 2
    assert is_error(run_user(tmp_path, "tags", "web", "--url", server.base_url), ExitCode.LOGIN)
    assert is_error(run_user(tmp_path, "search", "pages"), ExitCode.LOGIN)


def test_rejected_login_stores_nothing(server: Server, tmp_path: Path) -> None:
    server.register("erika", PASSWORD)
    login = ("login", server.base_url, "--username", "erika", "--password-stdin")
    rejected = run_user(tmp_path, *login, stdin="wrong secret")
    assert is_error(rejected, ExitCode.LOGIN)
    assert "wrong secret" not in rejected.stderr
    assert "waybill login" not in rejected.stderr  # this is the command that was run
    assert is_error(run_user(tmp_path, *login, stdin=""), ExitCode.FAILURE)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_login_that_cannot_be_stored_changes_nothing(server: Server, tmp_path: Path) -> None:
    server.register("frida", PASSWORD)
    (tmp_path / "docker").mkdir()
    config = tmp_path / "docker" / "config.json"
    login = ("login", server.base_url, "--username", "frida", "--password-stdin")
    for content in ("[]", "{", '{"credsStore": "missing"}', '{"credsStore": "../evil"}'):
        config.write_text(content)
        result = run_user(tmp_path, *login, stdin=PASSWORD)
        assert is_error(result, ExitCode.FAILURE)
        assert PASSWORD not in result.stderr
        assert config.read_text() == content
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == [config]


def test_file_of_docker_keeps_its_other_entries(server: Server, tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    config = tmp_path / "docker" / "config.json"
    other = {"auths": {"registry.example.com": {"auth": "b3RoZXI6eA=="}}, "psFormat": "table …"}
    config.write_text(json.dumps(other))
    log_in(tmp_path, server, "gerda")
    stored = json.loads(config.read_text())
    assert stored["auths"].keys() == {"registry.example.com", server.base_url}
    assert stored["psFormat"] == other["psFormat"]
    assert config.stat().st_mode & 0o777 == 0o600
    assert run_user(tmp_path, "robots", "list").status == 0
    assert run_user(tmp_path, "logout").status == 0
    assert json.loads(config.read_text()) == other
    assert is_error(run_user(tmp_path, "robots", "list"), ExitCode.LOGIN)


HELPER = """#!/usr/bin/env python3
import json, pathlib, sys
file = pathlib.Path(__file__).with_name("stored.json")
stored, text = json.loads(file.read_text()) if file.exists() else {}, sys.stdin.read()
if sys.argv[1] == "store":
    item = json.loads(text)
    stored[item["ServerURL"]] = item
elif text not in stored:
    sys.exit("credentials not found in native keychain")
elif sys.argv[1] == "get":
    print(json.dumps(stored[text]))
else:
    del stored[text]
file.write_text(json.dumps(stored))
"""


def test_credential_helper_of_docker_stores_the_password(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "docker-credential-test").write_text(HELPER)
    (programs / "docker-credential-test").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    (tmp_path / "docker").mkdir()
    config = tmp_path / "docker" / "config.json"
    log_in(tmp_path, server, "helga")
    config.write_text(json.dumps({**json.loads(config.read_text()), "credsStore": "test"}))
    assert is_error(run_user(tmp_path, "robots", "list"), ExitCode.LOGIN)
    log_in(tmp_path, server, "helga")
    assert json.loads(config.read_text()) == {"auths": {}, "credsStore": "test"}
    assert server.base_url in json.loads((programs / "stored.json").read_text())
    assert run_user(tmp_path, "robots", "list").status == 0
    assert run_user(tmp_path, "logout").status == 0
    assert json.loads((programs / "stored.json").read_text()) == {}
    assert is_error(run_user(tmp_path, "robots", "list", "--url", server.base_url), ExitCode.LOGIN)


def test_revoked_credentials_are_named(server: Server, tmp_path: Path) -> None:
    log_in(tmp_path, server, "ilona")
    url = server.url("/v1/users/ilona")
    form = {"password": "another secret"}
    assert requests.put(url, json=form, auth=("ilona", PASSWORD), timeout=10).status_code == 204
    rejected = run_user(tmp_path, "robots", "list")
    assert is_error(rejected, ExitCode.LOGIN)
    assert "ilona" in rejected.stderr


def test_operator_and_user_options_exclude_each_other(tmp_path: Path) -> None:
    for option in ("--stage", "--local", "--region"):
        result = run_user(tmp_path, "repositories", "list", "--url", "http://127.0.0.1:1", option, "x")
        assert result.status == ExitCode.USAGE


class _OtherServer(BaseHTTPRequestHandler):
    """Answers each request as a server that is not an index."""

    def do_GET(self) -> None:
        kind = self.path.partition("q=")[2].partition("&")[0]
        if kind == "redirect":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()
            return
        self.send_response(404 if kind == "missing" else 200)
        self.end_headers()
        self.wfile.write(b"[1]" if kind == "json" else b"<html>")

    def log_message(self, *_: object) -> None:
        """Print nothing."""


class _Registry(_OtherServer):
    """Answers as distribution."""

    def do_GET(self) -> None:
        assert self.path != "/v2/" or "Authorization" not in self.headers
        self.send_response(401 if self.path == "/v2/" else 404)
        if self.path == "/v2/":
            self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.end_headers()
        self.wfile.write(b"404 page not found\n")


@contextmanager
def run_other_server(
    context: ssl.SSLContext | None = None, handler: type[_OtherServer] = _OtherServer
) -> Iterator[int]:
    """Run a server that is not an index, and yield its port."""
    server = HTTPServer(("127.0.0.1", 0), handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_server_that_is_not_an_index_is_rejected(tmp_path: Path) -> None:
    with run_other_server() as port:
        for kind in ("html", "json", "missing", "redirect"):
            result = run_user(tmp_path, "search", kind, "--url", f"http://127.0.0.1:{port}")
            assert is_error(result, ExitCode.CONNECTION), kind
        login = ("login", f"http://127.0.0.1:{port}", "--username", "alice", "--password-stdin")
        rejected = run_user(tmp_path, *login, stdin=PASSWORD)
        assert is_error(rejected, ExitCode.CONNECTION)
        assert "registry" not in rejected.stderr


def test_registry_is_recognised(tmp_path: Path) -> None:
    with run_other_server(handler=_Registry) as port:
        login = ("login", f"http://127.0.0.1:{port}", "--username", "alice", "--password-stdin")
        rejected = run_user(tmp_path, *login, stdin=PASSWORD)
        assert is_error(rejected, ExitCode.CONNECTION)
        assert "is a registry" in rejected.stderr


def test_untrusted_certificate_is_rejected(tmp_path: Path) -> None:
    files = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-days", "1"]
    subject = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(files[0]), "-out", str(files[1])]
    subprocess.run([*command, *subject], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files[1], files[0])
    with run_other_server(context) as port:
        result = run_user(tmp_path, "search", "x", "--url", f"https://127.0.0.1:{port}")
        assert is_error(result, ExitCode.CONNECTION)
        assert "SSL_CERT_FILE" in result.stderr
    with run_other_server() as port:
        result = run_user(tmp_path, "search", "x", "--url", f"https://127.0.0.1:{port}")
        assert is_error(result, ExitCode.CONNECTION)


def test_missing_network_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}", "https://index.invalid"):
        assert is_error(run_user(tmp_path, "search", "x", "--url", url), ExitCode.CONNECTION)


@pytest.mark.parametrize(
    ("redirection", "code"),
    [(">&-", ExitCode.SUCCESS), (">/dev/full", ExitCode.FAILURE), ("| true", ExitCode.SUCCESS)],
)
def test_output_that_cannot_be_written_gives_no_traceback(server: Server, redirection: str, code: ExitCode) -> None:
    server.register("jonas", PASSWORD)
    push(server, "jonas", "web")
    commands = ("--help", f"search jonas --url {server.base_url}", f"search jonas --json --url {server.base_url}")
    for command in commands:
        script = f"{sys.executable} -m infra {command} {redirection}"
        process = subprocess.run(
            ["bash", "-c", script], cwd=ROOT, stderr=subprocess.PIPE, text=True, timeout=WAIT_SECONDS
        )
        assert process.returncode == code, (command, process.stderr)
        assert "Traceback" not in process.stderr
        assert "Exception ignored" not in process.stderr
        assert len(process.stderr.splitlines()) == (code != ExitCode.SUCCESS)


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_each_locale_shows_a_description(server: Server, tmp_path: Path, encoding: str) -> None:
    log_in(tmp_path, server, "klaus")
    push(server, "klaus", "web")
    assert run_user(tmp_path, "repositories", "describe", "web", "größer ☃").status == 0
    command = [sys.executable, "-m", "infra", "search", "klaus", "--url", server.base_url]
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "LC_ALL": "C"}
    process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=WAIT_SECONDS)
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith(b"klaus/web\tno\tgr")
    assert (b"\\u2603" in process.stdout) == (encoding == "latin-1")  # click uses UTF-8 instead of ASCII


def test_misspelt_setting_stops_the_server() -> None:
    command = [sys.executable, "-m", "infra", "serve"]
    environment = {**os.environ, "REGISTRTION": "closed", "PORT": "0"}
    process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=WAIT_SECONDS)
    assert process.returncode == ExitCode.FAILURE
    assert "REGISTRATION" in process.stderr
    assert len(process.stderr.splitlines()) == 1
