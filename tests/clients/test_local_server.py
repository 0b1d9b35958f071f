"""The local server: HTTP byte for byte, the request log, start and stop."""

import json
import os
import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from infra.devserver.serve import ServeError, serve
from tests.clients.conftest import ADMIN_PASSWORD, ROOT, WAIT_SECONDS, Server, run_server, wait_for_log
from tests.index import basic

PING = b"GET /v1/_ping HTTP/1.1\r\nHost: index\r\n\r\n"


def exchange(server: Server, request: bytes, count: int = 1) -> list[tuple[bytes, bytes]]:
    """Send bytes on one connection, and return `count` responses as (head, body)."""
    responses = []
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request)
        stream = connection.makefile("rb")
        for _ in range(count):
            head = b""
            while (line := stream.readline()) != b"\r\n":
                assert line, f"the server closed the connection after {head!r}"
                head += line
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            has_no_body = request.startswith(b"HEAD") or b" 204 " in head or b" 100 " in head
            responses.append((head, b"" if has_no_body or length is None else stream.read(int(length[1]))))
    return responses


def test_one_connection_serves_many_requests(server: Server) -> None:
    responses = exchange(server, PING * 50, 50)
    assert [body for _, body in responses] == [b"true"] * 50


def test_head_has_the_headers_of_get_and_no_body(server: Server) -> None:
    (head, _), (next_head, next_body) = exchange(server, PING.replace(b"GET", b"HEAD") + PING, 2)
    assert b"Content-Length: 4" in head
    assert next_head.startswith(b"HTTP/1.1 200"), "the next response starts directly after the head"
    assert next_body == b"", "exchange() reads no bodies if the first request is HEAD"


def test_204_has_no_body_and_keeps_the_connection(server: Server) -> None:
    request = _create_204_request(server, b"")
    (head, _), (next_head, next_body) = exchange(server, request + PING, 2)
    assert head.startswith(b"HTTP/1.1 204")
    for name in (b"content-length", b"transfer-encoding", b"connection"):
        assert name not in head.lower()
    assert next_head.startswith(b"HTTP/1.1 200"), "the next response starts directly after the head"
    assert next_body == b"true"


@pytest.mark.parametrize("header", [b"Connection: close\r\n", b"HTTP/1.0"])
def test_204_closes_the_connection_if_the_client_asks(server: Server, header: bytes) -> None:
    request = _create_204_request(server, b"" if header == b"HTTP/1.0" else header)
    if header == b"HTTP/1.0":
        request = request.replace(b"HTTP/1.1", b"HTTP/1.0")
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request)
        response = connection.makefile("rb").read()
    assert b" 204 " in response
    assert b"connection: close" in response.lower()


def _create_204_request(server: Server, header: bytes) -> bytes:
    username, password = server.register("nocontent")
    body, authorization = b'{"password":"sekret123"}', basic(username, password).encode()
    return (
        b"PUT /v1/users/nocontent/ HTTP/1.1\r\nHost: index\r\n%sAuthorization: %s\r\nContent-Length: %d\r\n\r\n%s"
        % (header, authorization, len(body), body)
    )


def test_chunked_body_is_read_as_one_body(server: Server) -> None:
    username, password = server.register("chunked")
    request = (
        b"PUT /v1/repositories/chunked/web/ HTTP/1.1\r\nHost: index\r\nAuthorization: %s\r\n"
        b'Transfer-Encoding: chunked\r\n\r\n5\r\n[{"id\r\n8\r\n":"abc"}\r\n1\r\n]\r\n0\r\n\r\n'
        % basic(username, password).encode()
    )
    (head, _), (_, body) = exchange(server, request + PING, 2)
    assert head.startswith(b"HTTP/1.1 200")
    assert body == b"true"
    assert requests.get(server.url("/v1/repositories/chunked/web/images"), timeout=10).json() == [{"id": "abc"}]


def test_expect_100_continue_is_answered(server: Server) -> None:
    body = b'{"username":"x"}'
    request = b"POST /v1/users/ HTTP/1.1\r\nHost: index\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request % len(body))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(body)
        assert connection.recv(1000).startswith(b"HTTP/1.1 400")


def test_absolute_target_of_docker_0_5_is_served(server: Server) -> None:
    target = f"http://127.0.0.1:{server.port}/v1/search?q=nothing".encode()
    ((head, body),) = exchange(server, b"GET %s HTTP/1.1\r\nHost: index\r\n\r\n" % target)
    assert head.startswith(b"HTTP/1.1 200")
    assert b'"query":"nothing"' in body


def test_invalid_absolute_target_is_400(server: Server) -> None:
    ((head, _),) = exchange(server, b"GET http://[::1/v1/_ping HTTP/1.1\r\nHost: index\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")


def test_target_that_is_not_ascii_is_400_with_json(server: Server) -> None:
    for target in ("/v1/search?q=ü", "/v1/repositories/alice/wéb/images"):
        ((head, body),) = exchange(server, f"GET {target} HTTP/1.1\r\nHost: index\r\n\r\n".encode())
        assert head.startswith(b"HTTP/1.1 400")
        assert set(json.loads(body)) == {"error"}


def test_x_docker_token_can_be_sent_twice(server: Server) -> None:
    username, password = server.register("twice")
    request = (
        b"PUT /v1/repositories/twice/web/ HTTP/1.1\r\nHost: index\r\nAuthorization: %s\r\n"
        b"X-Docker-Token: true\r\nX-Docker-Token: true\r\nContent-Length: 2\r\n\r\n[]"
    )
    ((head, _),) = exchange(server, request % basic(username, password).encode())
    assert b"x-docker-token: signature=" in head.lower()


def test_v2_paths_let_docker_1_10_use_v1_at_once(server: Server) -> None:
    """Docker repeats a request for 50 s if the body of a 404 is a JSON object without `errors`."""
    response = requests.get(server.url("/v2/alice/web/manifests/latest"), timeout=10)
    assert (response.status_code, response.text) == (404, "404 page not found")
    assert response.headers["Content-Type"].startswith("text/plain")
    assert requests.get(server.url("/v2/"), timeout=10).status_code == 401


def test_other_host_names_and_pages_of_other_sites_are_rejected(server: Server) -> None:
    url = server.url("/v1/users/")
    assert requests.get(url, headers={"Host": "evil.example.com"}, timeout=10).status_code == 403
    assert requests.post(url, json={}, headers={"Origin": "http://evil.example.com"}, timeout=10).status_code == 403
    endpoint = server.url("/_aws")
    assert (
        requests.get(endpoint, headers={"Host": "evil.example.com"}, auth=server.admin, timeout=10).status_code == 403
    )


def test_http_1_0_request_without_headers_is_served(server: Server) -> None:
    ((head, body),) = exchange(server, b"GET /v1/_ping HTTP/1.0\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200")
    assert body == b"true"


def test_connection_of_a_tls_client_is_closed_at_once(server: Server) -> None:
    """Docker and podman then use HTTP without a delay. The channel of waitress that does this is our own."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")  # the start of a ClientHello
        assert connection.recv(100) == b""


def test_malformed_request_is_400(server: Server) -> None:
    for request in (b"GET\r\n\r\n", b"GET /v1/_ping HTTP/1.1\r\nContent-Length: x\r\n\r\n"):
        ((head, _),) = exchange(server, request)
        assert b" 400 " in head


def test_200_idle_connections_do_not_block_others(server: Server) -> None:
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


def test_concurrent_pushes_lose_nothing(server: Server) -> None:
    """The threads of the server share moto. Each registration fails, because moto restores tables after a failure."""
    auth = server.register("parallel")

    def push_and_register(number: int) -> list[int]:
        url = server.url("/v1/repositories/parallel/web/")
        push = requests.put(url, json=[{"id": f"image{number}"}], auth=auth, timeout=60)
        form = {"username": "parallel", "password": "sekret123", "email": f"parallel{number}@example.com"}
        registration = requests.post(server.url("/v1/users/"), json=form, timeout=60)
        return [push.status_code, registration.status_code]

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(push_and_register, range(40))) == [[200, 400]] * 40
    images = requests.get(server.url("/v1/repositories/parallel/web/images"), timeout=10).json()
    assert {image["id"] for image in images} == {f"image{number}" for number in range(40)}


def test_greeting_contains_a_password_and_ctrl_c_stops_the_server(tmp_path: Path) -> None:
    with run_server(tmp_path, ADMIN_PASSWORD="", REGISTRY_ENDPOINTS="r1.example.com:5000") as server:
        greeting = wait_for_log(server, "Ctrl-C")
        password = re.search(r"admin, password: (\S+)", greeting)
        assert password is not None
        url, auth = server.url("/v1/repositories/web/"), ("admin", password[1])
        response = requests.put(url, json=[], auth=auth, headers={"X-Docker-Token": "true"}, timeout=10)
        assert response.headers["X-Docker-Endpoints"] == "r1.example.com:5000"
        assert f"docker login 127.0.0.1:{server.port} " in greeting, "docker 1.5 to 1.10 accept no scheme"
        assert server.stop() == 0
        assert server.log.read_text().endswith("Waybill has stopped.\n")
        assert "Traceback" not in server.log.read_text()


def test_request_log_has_one_line_for_each_request_and_no_secrets(server: Server) -> None:
    start = len(server.log.read_text())
    auth = server.register("logged", "a very secret one")
    url = server.url("/v1/repositories/logged/web/")
    token = requests.put(url, json=[], auth=auth, headers={"X-Docker-Token": "true"}, timeout=10).headers[
        "X-Docker-Token"
    ]
    requests.get(url + "images", headers={"Authorization": f"Token {token}"}, timeout=10)
    requests.get(server.url("/v1/users/"), auth=("logged", "a wrong secret"), timeout=10)
    log = wait_for_log(server, r" 401 GET    /v1/users/ ", start)
    lines = [line for line in log.splitlines() if re.match(r"\d\d:\d\d:\d\d ", line)]
    assert [line.split()[1:4] for line in lines] == [
        ["201", "POST", "/v1/users/"],
        ["200", "PUT", "/v1/repositories/logged/web/"],
        ["200", "GET", "/v1/repositories/logged/web/images"],
        ["401", "GET", "/v1/users/"],
    ]
    for secret in ("secret one", "wrong secret", ADMIN_PASSWORD, token, basic(*auth).split()[1], "$2b$"):
        assert secret not in server.log.read_text()


def test_request_log_hides_links_from_emails(server: Server) -> None:
    for target in ("/confirm?link=a.secret.link&x=1", "/reset/?x&%6cink=a.secret.link"):
        exchange(server, f"GET {target} HTTP/1.1\r\nHost: index\r\n\r\n".encode())
    absolute = f"GET {server.base_url}/confirm?link=a.secret.link&last HTTP/1.1\r\nHost: index\r\n\r\n"
    exchange(server, absolute.encode())
    exchange(server, b"GET /v2/?account=alice&scope=repository%3Aalice/hidden HTTP/1.1\r\nHost: index\r\n\r\n")
    log = wait_for_log(server, r"/v2/\?account=…&scope=…  ")
    assert "alice/hidden" not in log
    assert "/confirm?link=…&last" in log
    assert "410 GET    /confirm?link=…&x=1  " in log
    assert "410 GET    /reset/?x&%6cink=…  " in log
    assert "secret.link" not in log


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "65536"),
        ("ADMIN_PASSWORD", "abc"),
        ("REGISTRY_ENDPOINTS", "http://localhost:5000/"),
        ("REGISTRY_ENDPOINTS", "reg:99999"),
        ("TRUSTED_PROXIES", "proxy"),
        ("HOST", "host.invalid"),
        ("TOKEN_LIFETIME", "1"),
    ],
)
def test_error_names_the_invalid_setting(name: str, value: str) -> None:
    with pytest.raises(ServeError, match=name):
        serve({"PORT": "0", name: value})


def test_used_port_is_reported_in_one_line(server: Server) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "infra", "serve"],
        cwd=ROOT,
        env={**os.environ, "PORT": str(server.port)},
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
    )
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert f"127.0.0.1:{server.port}" in result.stderr
    assert "PORT" in result.stderr
