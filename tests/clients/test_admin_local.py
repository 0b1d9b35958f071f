"""`waybill … --local URL` on a running local server, and the path of the server that it uses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from infra.devserver import ENDPOINT_PATH
from tests.admin_commands import CommandResult, run_local
from tests.clients.conftest import ADMIN_PASSWORD, ROOT, Server, run_server

SCAN_USERS = {"TableName": "waybill-dev-users"}
SCAN_HEADERS = {"X-Amz-Target": "DynamoDB_20120810.Scan", "Content-Type": "application/x-amz-json-1.0"}


def run(server: Server, *arguments: str) -> CommandResult:
    return run_local(server.base_url, *arguments, password=ADMIN_PASSWORD)


def test_commands_change_the_data_of_the_server(server: Server, tmp_path: Path) -> None:
    created = run(server, "users", "create", "operated", "--email", "o@example.com", "--json").json
    auth = ("operated", created["password"])
    body = [{"id": "abc", "checksum": "sha256:" + "c" * 64}]
    assert requests.put(server.url("/v1/repositories/operated/web/"), json=body, auth=auth, timeout=10).ok
    listed = run(server, "repositories", "list", "operated", "--json").json
    assert [row["repository"] for row in listed] == ["operated/web"]
    assert run(server, "doctor").status == 0
    file = tmp_path / "index.jsonl"
    assert run(server, "export", str(file)).status == 0
    assert run(server, "repositories", "transfer", "operated/web", "operated/site", "--yes").status == 0
    assert requests.get(server.url("/v1/repositories/operated/site/images"), timeout=10).json() == body
    assert run(server, "users", "deactivate", "operated").status == 0
    assert requests.get(server.url("/v1/users/"), auth=auth, timeout=10).status_code == 403
    output = run(server, "audit", "--actor", "admin", "--target", "operated", "--json").stdout
    assert [(event["event"], event["target"]) for event in map(json.loads, output.splitlines())] == [
        ("account.registered", "operated"),
        ("repository.transferred", "operated/web"),
        ("account.changed", "operated"),
    ]
    with run_server(tmp_path) as other:
        imported = run(other, "import", str(file), "--merge", "--yes")
        assert imported.status == 0, imported.stderr
        assert requests.get(other.url("/v1/users/"), auth=auth, timeout=10).status_code == 200
        assert requests.get(other.url("/v1/repositories/operated/web/images"), timeout=10).json() == body


def test_stack_and_region_come_from_the_server(tmp_path: Path) -> None:
    with run_server(tmp_path, STACK="my-own", AWS_REGION="eu-central-1") as server:
        assert [user["username"] for user in run(server, "users", "list", "--json").json] == ["admin"]
        assert run(server, "doctor", "--json").json == []


def test_only_administrators_reach_the_aws_path(tmp_path: Path) -> None:
    with run_server(tmp_path) as server:
        robots = server.url("/v1/users/admin/robots/builder")
        robot = requests.put(robots, json={"access": "write"}, auth=server.admin, timeout=10).json()["token"]
        url = server.url(ENDPOINT_PATH)
        for auth, status in (
            (None, 401),
            (("admin", "a wrong one"), 401),
            (("nobody", "a wrong one"), 401),
            (server.register("ordinary"), 403),
            (("admin", robot), 403),
        ):
            for method in ("GET", "POST", "OPTIONS"):
                response = requests.request(method, url, auth=auth, headers=SCAN_HEADERS, json=SCAN_USERS, timeout=10)
                assert response.status_code == status, (auth, method)
                assert "password_hash" not in response.text
        signed = SCAN_HEADERS | {
            "Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request"
        }
        assert requests.post(url, headers=signed, json={}, timeout=10).status_code == 401
        scan = requests.post(url, auth=server.admin, headers=SCAN_HEADERS, json=SCAN_USERS, timeout=10)
        assert scan.json()["Count"] == 2


def test_aws_path_serves_no_other_services_and_paths(server: Server) -> None:
    for headers in ({"X-Amz-Target": "secretsmanager.ListSecrets"}, {}):
        response = requests.post(server.url(ENDPOINT_PATH), auth=server.admin, headers=headers, timeout=10)
        assert response.status_code == 404
    for path in (ENDPOINT_PATH + "/moto-api/reset", "/moto-api/reset", ENDPOINT_PATH + "x"):
        assert requests.post(server.url(path), auth=server.admin, timeout=10).status_code == 404


@pytest.mark.parametrize(
    ("url", "password", "keyword"),
    [
        ("http://127.0.0.1:1", ADMIN_PASSWORD, "http://127.0.0.1:1"),
        ("SERVER", "wrong", "admin"),
        ("SERVER/v1", ADMIN_PASSWORD, "--local"),
        ("https://127.0.0.1:8000", ADMIN_PASSWORD, "--local"),
        ("127.0.0.1:8000", ADMIN_PASSWORD, "--local"),
        ("http://127.0.0.1:port", ADMIN_PASSWORD, "--local"),
        ("http://admin:secret@127.0.0.1:8000", ADMIN_PASSWORD, "ADMIN_PASSWORD"),
    ],
)
def test_wrong_url_or_password_gives_readable_error(server: Server, url: str, password: str, keyword: str) -> None:
    result = run_local(url.replace("SERVER", server.base_url), "users", "list", password=password)
    assert result.is_readable_error
    assert keyword in result.stderr
    assert "secret@" not in result.stderr


def test_url_names_another_administrator(server: Server) -> None:
    arguments = ("users", "create", "deputy", "--email", "deputy@example.com", "--admin", "--json")
    password = run(server, *arguments).json["password"]
    url = server.base_url.replace("//", "//deputy@")
    assert run_local(url, "users", "list", password=password).status == 0
    assert run(server, "users", "demote", "deputy").status == 0
    rejected = run_local(url, "users", "list", password=password)
    assert rejected.is_readable_error
    assert "deputy" in rejected.stderr


def test_process_asks_for_the_password_ignores_proxies_and_logs_no_password(server: Server) -> None:
    hidden = {"ADMIN_PASSWORD", "STACK"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_") and name not in hidden}
    result = subprocess.run(
        [sys.executable, "-m", "infra", "users", "list", "--local", server.base_url],
        cwd=ROOT,
        env={**kept, "HTTP_PROXY": "http://127.0.0.1:9"},
        input=ADMIN_PASSWORD + "\n",
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert "admin" in result.stderr
    assert ADMIN_PASSWORD not in result.stdout + result.stderr
    log = server.log.read_text()
    assert ADMIN_PASSWORD not in log
    assert f"{ENDPOINT_PATH} DynamoDB_20120810.Scan" in log
