"""`python -m infra … --local URL`: the operator's commands as a process of their own, on a running local server."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from infra.devserver import ENDPOINT_PATH
from tests.clients.conftest import ADMIN_PASSWORD, ROOT, Server, serving

TARGET = {"X-Amz-Target": "DynamoDB_20120810.Scan", "Content-Type": "application/x-amz-json-1.0"}


def operate(
    url: str, *arguments: str, password: str | None = ADMIN_PASSWORD, given: str = ""
) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_") and name != "STACK"}
    return subprocess.run(
        [sys.executable, "-m", "infra", *arguments, "--local", url],
        cwd=ROOT,
        env={
            **kept,
            "HTTP_PROXY": "http://127.0.0.1:9",  # the way to a local server leads through no proxy
            "BCRYPT_COST": "4",
            **({} if password is None else {"ADMIN_PASSWORD": password}),
        },
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_commands_act_on_what_the_server_holds(server: Server, tmp_path: Path) -> None:
    made = json.loads(
        operate(server.address, "users", "create", "operated", "--email", "o@example.com", "--json").stdout
    )
    auth = ("operated", made["password"])
    body = [{"id": "abc", "checksum": "sha256:" + "c" * 64}]
    assert requests.put(server.url("/v1/repositories/operated/web/"), json=body, auth=auth, timeout=10).ok
    listed = operate(server.address, "repositories", "list", "operated", "--json")
    assert [row["repository"] for row in json.loads(listed.stdout)] == ["operated/web"]
    assert operate(server.address, "doctor").returncode == 0
    file = tmp_path / "stack.jsonl"
    assert operate(server.address, "export", str(file)).returncode == 0
    moved = operate(server.address, "repositories", "transfer", "operated/web", "operated/site", "--yes")
    assert (moved.returncode, moved.stdout) == (0, "operated/web is operated/site now\n")
    assert requests.get(server.url("/v1/repositories/operated/site/images"), timeout=10).json() == body
    assert operate(server.address, "users", "deactivate", "operated").returncode == 0
    assert requests.get(server.url("/v1/users/"), auth=auth, timeout=10).status_code == 403
    noted = map(
        json.loads, operate(server.address, "audit", "--who", "admin", "--on", "operated", "--json").stdout.splitlines()
    )
    assert [(line["event"], line["on"]) for line in noted] == [
        ("account.registered", "operated"),
        ("repository.moved", "operated/web"),
        ("account.changed", "operated"),
    ]
    with serving(tmp_path) as other:
        imported = operate(other.address, "import", str(file), "--merge", "--yes")
        assert imported.returncode == 0, imported.stderr
        assert requests.get(other.url("/v1/users/"), auth=auth, timeout=10).status_code == 200
        assert requests.get(other.url("/v1/repositories/operated/web/images"), timeout=10).json() == body


def test_a_server_with_another_stack_and_region_needs_no_word_of_it(tmp_path: Path) -> None:
    with serving(tmp_path, STACK="my-own", AWS_REGION="eu-central-1") as server:
        listed = operate(server.address, "users", "list", "--json")
        assert [user["username"] for user in json.loads(listed.stdout)] == ["admin"]
        assert operate(server.address, "doctor", "--json").stdout == "[]\n"


def test_who_is_no_administrator_gets_no_further_than_the_door(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        robots = server.url("/v1/users/admin/robots/builder")
        robot = requests.put(robots, json={"access": "write"}, auth=server.admin, timeout=10).json()["token"]
        for auth, status in (
            (None, 401),
            (("admin", "a wrong one"), 401),
            (("nobody", "a wrong one"), 401),
            (server.register("doorstep"), 403),
            (("admin", robot), 403),
        ):
            for method in ("GET", "POST", "OPTIONS"):
                response = requests.request(
                    method,
                    server.url(ENDPOINT_PATH),
                    auth=auth,
                    headers=TARGET,
                    json={"TableName": "waybill-dev-users"},
                    timeout=10,
                )
                assert response.status_code == status, (auth, method)
                assert "password_hash" not in response.text
        signed = {**TARGET, "Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request"}
        assert requests.post(server.url(ENDPOINT_PATH), headers=signed, json={}, timeout=10).status_code == 401
        scanned = requests.post(
            server.url(ENDPOINT_PATH),
            auth=server.admin,
            headers=TARGET,
            json={"TableName": "waybill-dev-users"},
            timeout=10,
        )
        assert scanned.json()["Count"] == 2, "it is the door that stopped the others"


def test_the_door_leads_to_two_services_and_no_further(server: Server) -> None:
    for headers in ({"X-Amz-Target": "secretsmanager.ListSecrets"}, {}):
        response = requests.post(server.url(ENDPOINT_PATH), auth=server.admin, headers=headers, timeout=10)
        assert response.status_code == 404
    for path in (ENDPOINT_PATH + "/moto-api/reset", "/moto-api/reset", ENDPOINT_PATH + "x"):
        assert requests.post(server.url(path), auth=server.admin, timeout=10).status_code == 404


@pytest.mark.parametrize(
    ("url", "password", "said"),
    [
        ("http://127.0.0.1:1", ADMIN_PASSWORD, "no local server answers at http://127.0.0.1:1"),
        ("SERVER", "wrong", "does not let admin in: wrong username or password"),
        ("SERVER/v1", ADMIN_PASSWORD, "--local takes a local server's address"),
        ("https://127.0.0.1:8000", ADMIN_PASSWORD, "--local takes a local server's address"),
        ("127.0.0.1:8000", ADMIN_PASSWORD, "--local takes a local server's address"),
        ("http://127.0.0.1:port", ADMIN_PASSWORD, "--local takes a local server's address"),
        ("http://admin:secret@127.0.0.1:8000", ADMIN_PASSWORD, "--local takes no password"),
    ],
)
def test_what_cannot_be_reached_is_one_sentence(server: Server, url: str, password: str, said: str) -> None:
    ran = operate(url.replace("SERVER", server.address), "users", "list", password=password)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert said in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert "secret@" not in ran.stderr


def test_another_administrator_stands_before_the_at(server: Server) -> None:
    made = json.loads(
        operate(
            server.address, "users", "create", "deputy", "--email", "deputy@example.com", "--admin", "--json"
        ).stdout
    )
    url = server.address.replace("//", "//deputy@")
    assert operate(url, "users", "list", password=made["password"]).returncode == 0
    assert operate(server.address, "users", "demote", "deputy").returncode == 0
    refused = operate(url, "users", "list", password=made["password"])
    assert "does not let deputy in: this is no administrator of this index" in refused.stderr


def test_the_password_is_asked_for_and_reaches_no_log(server: Server) -> None:
    said = operate(server.address, "users", "list", password=None, given=ADMIN_PASSWORD + "\n")
    assert said.returncode == 0, said.stderr
    assert "Password of admin" in said.stderr
    assert ADMIN_PASSWORD not in said.stdout + said.stderr
    assert ADMIN_PASSWORD not in server.log.read_text()
    assert "POST   /_aws DynamoDB_20120810.Scan" in server.log.read_text()
