"""A conventional implementation of the index, for comparison.

It stores one item for each image, calls KMS for each token, computes bcrypt for each password, and uses PynamoDB and
Chalice as their tutorials do. It gives the same responses to the same requests. It has no search, no private
repositories and no protection against races. Each of these would make it slower.
"""

import base64
import json
import time
from typing import Any

import bcrypt
from chalice.app import Chalice, Response
from pynamodb.attributes import UnicodeAttribute
from pynamodb.models import Model

TABLES = ("conventional-users", "conventional-repositories", "conventional-images")
KEY = "alias/conventional"
_ALGORITHM = "ECDSA_SHA_256"
_LIFETIME = 3600


class User(Model):
    """An account."""

    class Meta:
        """The settings of the table."""

        table_name, region = TABLES[0], "us-east-1"

    username = UnicodeAttribute(hash_key=True)
    password_hash = UnicodeAttribute()


class Repository(Model):
    """A repository."""

    class Meta:
        """The settings of the table."""

        table_name, region = TABLES[1], "us-east-1"

    name = UnicodeAttribute(hash_key=True)
    owner = UnicodeAttribute()


class Image(Model):
    """One image of one repository."""

    class Meta:
        """The settings of the table."""

        table_name, region = TABLES[2], "us-east-1"

    repository = UnicodeAttribute(hash_key=True)
    image_id = UnicodeAttribute(range_key=True)
    checksum = UnicodeAttribute(null=True)


def create_app(kms: Any) -> Chalice:
    """Return the app. PynamoDB creates a client for each model at its first use."""
    app = Chalice("conventional")

    def issue(name: str, access: str) -> str:
        message = f"{name} {access} {int(time.time()) + _LIFETIME}"
        signature = kms.sign(KeyId=KEY, Message=message.encode(), SigningAlgorithm=_ALGORITHM)["Signature"]
        encoded = (base64.urlsafe_b64encode(part).decode() for part in (message.encode(), signature))
        return f'signature={".".join(encoded)},repository="{name}",access={access}'

    def check(token: str, name: str) -> None:
        fields = dict(part.split("=", 1) for part in token.split(","))
        message, signature = (base64.urlsafe_b64decode(part) for part in fields["signature"].split("."))
        kms.verify(KeyId=KEY, Message=message, Signature=signature, SigningAlgorithm=_ALGORITHM)
        signed_name, _, expiry = message.decode().split(" ")
        if signed_name != name or int(expiry) < time.time():
            raise PermissionError

    def log_in() -> str:
        encoded = _header("authorization").removeprefix("Basic ")
        username, _, password = base64.b64decode(encoded).decode().partition(":")
        user = User.get(username, consistent_read=True)
        if not bcrypt.checkpw(password.encode(), user.password_hash.encode()):
            raise PermissionError
        return username

    def _header(name: str) -> str:
        request: Any = app.current_request
        return str(request.headers.get(name) or "")

    def body() -> Any:
        request: Any = app.current_request
        return json.loads(request.raw_body)

    def response(status: int, value: Any, name: str, access: str) -> Response:
        headers: dict[str, str | list[str]] = {
            "X-Docker-Endpoints": "localhost:5000",
            "Content-Type": "application/json",
        }
        if _header("x-docker-token") == "true":
            token = issue(name, access)
            headers |= {"X-Docker-Token": token, "WWW-Authenticate": f"Token {token}"}
        return Response(json.dumps(value) if status != 204 else "", headers, status)

    def store(name: str) -> None:
        with Image.batch_write() as batch:
            for entry in {entry["id"]: entry for entry in body()}.values():
                batch.save(Image(name, entry["id"], checksum=entry.get("checksum")))

    @app.route("/v1/users", methods=["GET"], content_types=[])
    def login() -> Response:
        log_in()
        return Response('"OK"', {"Content-Type": "application/json"}, 200)

    @app.route("/v1/repositories/{namespace}/{repository}", methods=["PUT"], content_types=[])
    def push(namespace: str, repository: str) -> Response:
        owner, name = log_in(), f"{namespace}/{repository}"
        Repository(name, owner=owner).save()
        store(name)
        return response(200, "", name, "write")

    @app.route("/v1/repositories/{namespace}/{repository}/images", methods=["GET", "PUT"], content_types=[])
    def images(namespace: str, repository: str) -> Response:
        name, request = f"{namespace}/{repository}", app.current_request
        authorization = _header("authorization")
        if authorization.startswith("Token "):
            check(authorization.removeprefix("Token "), name)
        elif authorization:
            log_in()
        Repository.get(name, consistent_read=True)
        if request is not None and request.method == "PUT":
            store(name)
            return response(204, None, name, "write")
        entries = [
            {"id": item.image_id, "checksum": item.checksum} if item.checksum else {"id": item.image_id}
            for item in Image.query(name, consistent_read=True)
        ]
        return response(200, entries, name, "read")

    @app.route("/v1/repositories/{namespace}/{repository}/auth", methods=["PUT"], content_types=[])
    def authorize(namespace: str, repository: str) -> Response:
        name = f"{namespace}/{repository}"
        check(_header("authorization").removeprefix("Token "), name)
        Repository.get(name, consistent_read=True)
        return Response('"OK"', {"Content-Type": "application/json"}, 200)

    return app


def create_tables(kms: Any) -> None:
    """Create the three tables and the key on moto."""
    for model in (User, Repository, Image):
        model.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=KEY, TargetKeyId=key)


def create_account(username: str, password: str, cost: int) -> None:
    """Create an account."""
    User(username, password_hash=bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()).save()
