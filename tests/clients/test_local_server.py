"""What the local server makes of HTTP, byte for byte, and of its own beginning and end."""

import os
import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.clients.conftest import ADMIN_PASSWORD, ROOT, Server, serving
from tests.index import basic


def exchange(server: Server, sent: bytes, replies: int = 1) -> list[tuple[bytes, bytes]]:
    """Sends raw bytes on one connection and gives `replies` replies as (head, body)."""
    found = []
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(sent)
        stream = connection.makefile("rb")
        for _ in range(replies):
            head = b""
            while (line := stream.readline()) != b"\r\n":
                assert line, f"the server closed the connection after {head!r}"
                head += line
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            silent = sent.startswith(b"HEAD") or b" 204 " in head or b" 100 " in head
            found.append((head, b"" if silent or length is None else stream.read(int(length[1]))))
    return found


PING = b"GET /v1/_ping HTTP/1.1\r\nHost: index\r\n\r\n"


def test_many_requests_on_one_connection(server: Server) -> None:
    replies = exchange(server, PING * 50, 50)
    assert [body for _, body in replies] == [b"true"] * 50


def test_head_has_the_headers_of_get_and_no_body(server: Server) -> None:
    (head, _), (ping, body) = exchange(server, PING.replace(b"GET", b"HEAD") + PING, 2)
    assert b"Content-Length: 4" in head
    assert body == b"", "this is what exchange() reads after HEAD"
    assert ping.startswith(b"HTTP/1.1 200"), "the next reply begins right behind the head"


def test_204_has_neither_body_nor_length(server: Server) -> None:
    user, password = server.register("nocontent")
    body = b'{"password":"sekret123"}'
    sent = b"PUT /v1/users/nocontent/ HTTP/1.1\r\nHost: index\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n%s" % (
        basic(user, password).encode(),
        len(body),
        body,
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(sent)
        head, _, rest = connection.makefile("rb").read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 204")
    assert rest == b""
    assert b"content-length" not in head.lower()
    assert b"transfer-encoding" not in head.lower()
    assert b"connection: close" in head.lower(), "waitress ends the connection behind it, and says so"


def test_a_chunked_body_is_one_body(server: Server) -> None:
    user, password = server.register("chunked")
    sent = (
        b"PUT /v1/repositories/chunked/web/ HTTP/1.1\r\nHost: index\r\nAuthorization: %s\r\n"
        b'Transfer-Encoding: chunked\r\n\r\n5\r\n[{"id\r\n8\r\n":"abc"}\r\n1\r\n]\r\n0\r\n\r\n'
        % basic(user, password).encode()
    )
    (head, _), (_, body) = exchange(server, sent + PING, 2)
    assert head.startswith(b"HTTP/1.1 200")
    assert body == b"true"
    assert requests.get(server.url("/v1/repositories/chunked/web/images"), timeout=10).json() == [{"id": "abc"}]


def test_expect_100_continue(server: Server) -> None:
    body = b'{"username":"x"}'
    sent = b"POST /v1/users/ HTTP/1.1\r\nHost: index\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(sent)
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(body)
        assert connection.recv(1000).startswith(b"HTTP/1.1 400")


def test_an_absolute_target_as_docker_0_5_sends_it(server: Server) -> None:
    target = f"http://127.0.0.1:{server.port}/v1/search?q=nothing".encode()
    ((head, body),) = exchange(server, b"GET %s HTTP/1.1\r\nHost: index\r\n\r\n" % target)
    assert head.startswith(b"HTTP/1.1 200")
    assert b'"query":"nothing"' in body


def test_a_client_that_sends_nothing_but_the_request_line(server: Server) -> None:
    ((head, body),) = exchange(server, b"GET /v1/_ping HTTP/1.0\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200")
    assert body == b"true"


def test_a_client_that_tries_tls_first_is_let_go_at_once(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")  # how a ClientHello begins
        assert connection.recv(100) == b"", "podman and docker then come again without TLS, with no wait"


def test_garbage_is_a_400(server: Server) -> None:
    for sent in (b"GET\r\n\r\n", b"GET /v1/_ping HTTP/1.1\r\nContent-Length: x\r\n\r\n"):
        ((head, _),) = exchange(server, sent)
        assert b" 400 " in head


def test_two_hundred_connections_at_once(server: Server) -> None:
    idle = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(200)]
    try:
        with ThreadPoolExecutor(20) as pool:
            statuses = list(
                pool.map(lambda _: requests.get(server.url("/v1/_ping"), timeout=20).status_code, range(200))
            )
        assert statuses == [200] * 200
        for connection in idle:
            connection.sendall(PING)
        assert all(connection.recv(12) == b"HTTP/1.1 200" for connection in idle)
    finally:
        for connection in idle:
            connection.close()


def test_it_says_how_to_log_in_and_stops_on_ctrl_c(tmp_path: Path) -> None:
    with serving(tmp_path, ADMIN_PASSWORD="") as server:
        said = server.log.read_text()
        password = re.search(r"admin, password: (\S+)", said)
        assert password is not None
        assert requests.get(server.url("/v1/users/"), auth=("admin", password[1]), timeout=10).status_code == 200
        assert server.stop() == 0
        assert server.log.read_text().endswith("Waybill has stopped.\n")
        assert "Traceback" not in server.log.read_text()


def test_one_readable_line_for_each_request_and_no_secret_in_it(tmp_path: Path) -> None:
    with serving(tmp_path, REGISTRY_ENDPOINTS="r1.example.com:5000") as server:
        auth = server.register("alice", "a very secret one")
        path = server.url("/v1/repositories/alice/web/")
        response = requests.put(path, json=[], auth=auth, headers={"X-Docker-Token": "true"}, timeout=10)
        assert response.headers["X-Docker-Endpoints"] == "r1.example.com:5000"
        token = response.headers["X-Docker-Token"]
        requests.get(path + "images", headers={"Authorization": f"Token {token}"}, timeout=10)
        requests.get(server.url("/v1/users/"), auth=("alice", "a wrong secret"), timeout=10)
        said = server.log.read_text()
        lines = [line for line in said.splitlines() if re.match(r"\d\d:\d\d:\d\d ", line)]
        assert [line.split()[1:4] for line in lines] == [
            ["201", "POST", "/v1/users/"],
            ["200", "PUT", "/v1/repositories/alice/web/"],
            ["200", "GET", "/v1/repositories/alice/web/images"],
            ["401", "GET", "/v1/users/"],
        ]
        for secret in ("secret one", "wrong secret", ADMIN_PASSWORD, token, basic(*auth).split()[1], "$2b$"):
            assert secret not in said


def test_a_line_does_not_show_the_link_from_a_mail(server: Server) -> None:
    for target in ("/confirm?link=a.secret.link&x=1", "/reset/?x&%6cink=a.secret.link"):
        exchange(server, f"GET {target} HTTP/1.1\r\nHost: index\r\n\r\n".encode())
    exchange(server, f"GET {server.address}/confirm?link=a.secret.link HTTP/1.1\r\nHost: index\r\n\r\n".encode())
    said = server.log.read_text()
    assert "410 GET    /confirm?link=…&x=1  " in said
    assert "410 GET    /reset/?x&%6cink=…  " in said
    assert "secret.link" not in said


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("PORT", "http", "PORT is a number"),
        ("ADMIN_PASSWORD", "abc", "ADMIN_PASSWORD cannot be used: a password has at least 5 characters"),
        ("REGISTRY_ENDPOINTS", "http://localhost:5000/", "REGISTRY_ENDPOINTS takes bare hosts"),
        ("TOKEN_LIFETIME", "1", "TOKEN_LIFETIME is a number from 60 to 86400"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_sentence(setting: str, value: str, said: str) -> None:
    assert said in _refused({setting: value})


def test_a_port_that_is_taken_is_one_sentence(server: Server) -> None:
    said = _refused({"PORT": str(server.port)})
    assert f"cannot listen on 127.0.0.1:{server.port}" in said


def _refused(environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "infra", "serve"],
        cwd=ROOT,
        env={**os.environ, "BCRYPT_COST": "4", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    return done.stderr
