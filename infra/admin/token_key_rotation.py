"""`waybill registries rotate`: replaces the RSA key of bearer tokens.

A registry reads its certificate file only when it starts. So the new certificate is added to the files first, and the
index signs with the new key afterwards. The alias of the next key exists between the two steps.
"""

from typing import Any

import click

from chalicelib.security.bearer_tokens import BearerTokens
from chalicelib.security.kms_token_key import KmsTokenKey
from infra.admin.audit_log import record
from infra.admin.command import Command, Group, confirm, index_options, yes_option
from infra.admin.output import write_json, write_result
from infra.admin.target import Target

KEY_DELETION_DAYS = 30


@click.group(cls=Group)
def rotate() -> None:
    """Replace the key of bearer tokens, in two steps without an interruption.

    First run `start`, add the certificates to each registry, and restart the registries. Then run `finish` and deploy.
    """


@rotate.command(cls=Command)
@index_options
def start(index: Target, as_json: bool) -> None:
    """Create the next key, and print the present and the next certificate.

    The index continues to sign with the present key. A repeated command prints the same certificates.
    """
    current, following = _aliases(index)
    kms = index.aws.kms
    if _find_key(kms, following) is None:
        policy = kms.get_key_policy(KeyId=_require_key(index), PolicyName="default")["Policy"]
        key = kms.create_key(
            KeySpec="RSA_2048",
            KeyUsage="SIGN_VERIFY",
            MultiRegion=True,
            Policy=policy,
            Description="Signs Waybill's bearer tokens for registries. It never leaves KMS.",
        )["KeyMetadata"]
        kms.create_alias(AliasName=following, TargetKeyId=key["KeyId"])
        record(index, "token-key.created", following)
    certificates = [_read_certificate(index, alias) for alias in (current, following)]
    if as_json:
        write_json({"certificates": certificates})
    else:
        click.echo("".join(certificates), nl=False)
    click.echo(
        "Write these certificates to the file of each registry and restart it. Then run: waybill registries rotate "
        "finish",
        err=True,
    )


@rotate.command(cls=Command)
@yes_option
@index_options
def finish(index: Target, yes: bool, as_json: bool) -> None:
    """Let the index sign with the next key from its next deployment on.

    All registries must know the next certificate. The present key is kept.
    """
    current, following = _aliases(index)
    kms = index.aws.kms
    key, previous = _find_key(kms, following), _require_key(index)
    if key is None:
        raise click.ClickException("no rotation has started; run: waybill registries rotate start")
    if key != previous:
        confirm(f"Do all registries of {index.name} have both certificates, and are they restarted?", yes)
        kms.update_alias(AliasName=current, TargetKeyId=key)
    kms.delete_alias(AliasName=following)
    record(index, "token-key.replaced", current)
    sentence = (
        f"{current} is the new key. Deploy the index now. After TOKEN_LIFETIME and one minute, remove the old "
        f"certificate from the registries, and run: aws kms schedule-key-deletion --key-id {previous} "
        f"--pending-window-in-days {KEY_DELETION_DAYS}"
    )
    write_result({"key": key, "previous_key": previous}, sentence, as_json=as_json)


def _aliases(index: Target) -> tuple[str, str]:
    """Return the alias of the present key and that of the next key."""
    if index.administrator is not None:
        raise click.ClickException(
            "a local server has its key in a file; stop it, delete the file next to DATA, and start it again"
        )
    alias = f"alias/{index.settings.stack}-tokens"
    return alias, f"{alias}-next"


def _find_key(kms: Any, alias: str) -> str | None:
    """Return the id of the key of an alias, or None."""
    try:
        key: str = kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"]
    except kms.exceptions.NotFoundException:
        return None
    return key


def _require_key(index: Target) -> str:
    key = _find_key(index.aws.kms, _aliases(index)[0])
    if key is None:
        raise click.ClickException("this index has no key of bearer tokens; deploy it with --registries first")
    return key


def _read_certificate(index: Target, alias: str) -> str:
    return BearerTokens(KmsTokenKey(index.aws.kms, alias), index.settings.token_lifetime).get_certificate()
