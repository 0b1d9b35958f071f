"""`waybill registries`: configure and check registries that use this index."""

import base64
import json
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import click

from chalicelib.security.bearer_tokens import ISSUER
from infra.admin.command import Command, Group, index_options, yes_option
from infra.admin.output import write_fields
from infra.admin.registry_client import Challenge, RegistryClient, RegistryError, fetch_token
from infra.admin.registry_config import ProxyKind, RegistryKind, RegistrySettings, render_proxy, render_registry
from infra.admin.target import Target
from infra.admin.token_key_rotation import rotate

_MAX_CLOCK_SECONDS = 30


@click.group(cls=Group)
def registries() -> None:
    """Configure and check registries that use this index for accounts and permissions."""


@registries.command(cls=Command)
@index_options
def certificate(index: Target, as_json: bool) -> None:
    """Print the certificate with which registries verify tokens."""
    pem = index.services.bearer_tokens.get_certificate() if index.administrator is None else fetch_certificate(index)
    click.echo(json.dumps({"certificate": pem}) if as_json else pem, nl=as_json)


@registries.command(cls=Command)
@click.option(
    "--type",
    "kind",
    type=click.Choice([kind.value for kind in RegistryKind]),
    default="distribution",
    show_default=True,
    help="The registry.",
)
@click.option(
    "--proxy",
    type=click.Choice([kind.value for kind in ProxyKind]),
    help="Print the configuration of a reverse proxy instead.",
)
@click.option("--service", metavar="NAME", help="The name of the registry.  [default: the first of REGISTRIES]")
@click.option(
    "--address", default="127.0.0.1:5000", show_default=True, help="The address on which the registry listens."
)
@click.option("--storage", default="/var/lib/registry", show_default=True, help="The directory of the registry.")
@click.option(
    "--certificate", "path", default="waybill.pem", show_default=True, help="The certificate file. It is written."
)
@index_options
def config(
    kind: str,
    proxy: str | None,
    service: str | None,
    address: str,
    storage: str,
    path: str,
    index: Target,
    as_json: bool,
) -> None:
    """Print a configuration for a registry, and write the certificate file that it needs.

    Without --proxy, standard output is the configuration file of the registry. It contains REGISTRY_SECRET.
    """
    variables = read_variables(index)
    names = [name.strip() for name in variables["REGISTRIES"].split(",") if name.strip()]
    if service is not None and service not in names:
        raise click.UsageError(f"--service must be one of REGISTRIES: {', '.join(names)}")
    file = Path(path).resolve()
    settings = RegistrySettings(
        variables["BASE_URL"], service or names[0], variables["REGISTRY_SECRET"], str(file), address, storage
    )
    if proxy is not None:
        text = render_proxy(ProxyKind(proxy), settings, settings.service)
    else:
        file.write_text(fetch_certificate(index))
        click.echo(f"Wrote the certificate to {file}.", err=True)
        text = render_registry(RegistryKind(kind), settings)
    click.echo(json.dumps({"config": text}) if as_json else text, nl=as_json)


@registries.command(cls=Command)
@click.argument("url")
@index_options
def check(url: str, index: Target, as_json: bool) -> None:
    """Check the configuration of a running registry, for example http://localhost:5000.

    Exits with status 1 and one sentence if there is a problem: the challenge, the realm, the service, the issuer, the
    certificate or the clock.
    """
    variables = read_variables(index)
    client = RegistryClient(url)
    challenge = client.read_challenge()
    _check_challenge(challenge, variables)
    _check_clock(challenge.date)
    answer = fetch_token(challenge.realm, challenge.service, "repository:library/waybill-check:pull")
    if answer.status != 200:
        raise RegistryError(f"the token endpoint {challenge.realm} answered {answer.status}; is it this index?")
    token = answer.json().get("token", "")
    _check_token(token, fetch_certificate(index))
    accepted = RegistryClient(url, lambda _: token).request("GET", "/v2/", scope="")
    if accepted.status != 200:
        raise RegistryError(
            "the registry rejects tokens of this index; set its issuer to "
            f"{ISSUER!r} and its rootcertbundle to the file of `waybill registries certificate`, then restart it"
        )
    write_fields(
        {"registry": url, "service": challenge.service, "realm": challenge.realm, "accepts_tokens": True},
        as_json=as_json,
    )


@registries.command(cls=Command)
@click.argument("url")
@click.option("--dry-run", is_flag=True, help="Only report the differences.")
@click.option("--prune", is_flag=True, help="Remove tags from the index that the registry does not have.")
@yes_option
@index_options
def reconcile(url: str, dry_run: bool, prune: bool, yes: bool, index: Target, as_json: bool) -> None:
    """Make the tags in the index equal to those of a registry, for example after lost notifications.

    Adds what is missing and corrects what differs. It never removes a repository. It removes tags only with --prune,
    after it has read every page of every listing, and only tags pushed before it started. It can be interrupted and
    repeated.
    """
    from infra.admin.reconcile import Reconciliation  # imports PynamoDB

    Reconciliation(index, url, read_variables(index)).run(is_dry_run=dry_run, prunes=prune, as_json=as_json, yes=yes)


registries.add_command(rotate)


def read_variables(index: Target) -> dict[str, str]:
    """Return BASE_URL, REGISTRIES and REGISTRY_SECRET of an index. Raises ClickException if REGISTRIES is not set."""
    variables = index.local_variables or index.get_function_variables() or {}
    if not variables.get("REGISTRIES"):
        raise click.ClickException(
            "REGISTRIES is not set for this index; set it to the name of the registry, such as registry.example.com"
        )
    return {"BASE_URL": "", "REGISTRY_SECRET": "", **variables}


def fetch_certificate(index: Target) -> str:
    """Return the certificate that the index serves."""
    base_url = read_variables(index)["BASE_URL"]
    if not base_url:
        raise click.ClickException("BASE_URL is not set for this index; set it to the URL of the index")
    answer = RegistryClient(base_url).request("GET", "/token/certificate")
    if answer.status != 200:
        raise RegistryError(f"{base_url}/token/certificate answered {answer.status}; is BASE_URL the URL of the index?")
    return answer.body.decode()


def _check_challenge(challenge: Challenge, variables: dict[str, str]) -> None:
    services = [name.strip() for name in variables["REGISTRIES"].split(",")]
    if challenge.scheme.lower() != "bearer":
        raise RegistryError(f"the registry asks for {challenge.scheme or 'no'} authentication; configure `auth: token`")
    if not challenge.realm.rstrip("/").endswith("/token"):
        raise RegistryError(f"the realm {challenge.realm!r} must be the URL of the index followed by /token")
    if challenge.service not in services:
        raise RegistryError(f"the service {challenge.service!r} is not in REGISTRIES ({', '.join(services)})")


def _check_token(token: str, certificate: str) -> None:
    try:
        header, claims = (
            json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in token.split(".")[:2]
        )
        is_own = header["x5c"] == ["".join(certificate.splitlines()[1:-1])]
    except (KeyError, TypeError, ValueError):
        raise RegistryError(
            "the token endpoint returned something that is not a token; is the realm this index?"
        ) from None
    if claims.get("iss") != ISSUER:
        raise RegistryError(f"the token has the issuer {claims.get('iss')!r}; is the realm this index?")
    if not is_own:
        raise RegistryError("the realm signs tokens with the key of another index; set it to the URL of this index")


def _check_clock(date: str) -> None:
    if date:
        difference = abs(parsedate_to_datetime(date).timestamp() - time.time())
        if difference > _MAX_CLOCK_SECONDS:
            raise RegistryError(f"the clock of the registry differs by {difference:.0f} seconds; synchronise it")
