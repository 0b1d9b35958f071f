"""botocore's clients: the built-in handlers that chalicelib/aws.py keeps, and the timeouts."""

import pytest
from botocore.handlers import BUILTIN_HANDLERS

from chalicelib.aws import (
    CONNECT_TIMEOUT_SECONDS,
    LOG_MAX_ATTEMPTS,
    LOG_READ_TIMEOUT_SECONDS,
    MAX_ATTEMPTS,
    READ_TIMEOUT_SECONDS,
    SERVICES,
    concerns_our_services,
    create_clients,
    create_logs_client,
    create_ses_client,
)

KEPT = {
    ("choose-service-name", "handle_service_name_alias"),
    ("creating-client-class", "add_generate_presigned_url"),
    ("before-parameter-build", "generate_idempotent_uuid"),
    ("before-parameter-build", "_handle_request_validation_mode_member"),
    ("before-call", "add_recursion_detection_header"),
    ("before-call", "inject_api_version_header_if_needed"),
    ("request-created", "add_retry_headers"),
    ("choose-signer", "set_operation_specific_signer"),
    ("before-parameter-build.logs.CreateExportTask", "alias_parameter_in_call"),  # never called
    ("choose-signer", "_set_auth_scheme_preference_signer"),
}
ALL_HANDLERS = 127


def botocore_handlers() -> list[tuple[str, str]]:
    """Return botocore's own entries as (event, name of the handler). Other libraries, such as moto, add entries."""
    return [
        (event, getattr(handler, "__name__", type(handler).__name__))
        for event, handler, *_ in BUILTIN_HANDLERS
        if getattr(handler, "__module__", "").startswith("botocore.")
    ]


def test_built_in_handlers_for_our_services_are_the_known_ones() -> None:
    """If this fails after an update of botocore, decide whether one of our services needs the new handler."""
    assert {entry for entry in botocore_handlers() if concerns_our_services(entry[0])} == KEPT


def test_number_of_built_in_handlers_is_the_known_one() -> None:
    """The other handlers are for other services and for documentation. If this fails, read the new ones."""
    assert len(botocore_handlers()) == ALL_HANDLERS


@pytest.mark.parametrize(
    ("event", "is_kept"),
    [
        ("before-call", True),
        ("before-call.*", True),
        ("before-call.dynamodb.PutItem", True),
        ("before-call.kms", True),
        ("before-call.s3.PutObject", False),
        ("docs.*.dynamodb.complete-section", False),
    ],
)
def test_handlers_of_other_services_are_omitted(event: str, is_kept: bool) -> None:
    assert concerns_our_services(event) is is_kept


def test_clients_have_short_timeouts() -> None:
    logs, ses = create_logs_client("eu-west-1"), create_ses_client("eu-west-1")
    clients = [*create_clients("eu-west-1"), logs, ses]
    assert tuple(client.meta.service_model.service_name for client in clients) == SERVICES
    for client in clients:
        config = client.meta.config
        read_timeout = LOG_READ_TIMEOUT_SECONDS if client is logs else READ_TIMEOUT_SECONDS
        assert (config.connect_timeout, config.read_timeout) == (CONNECT_TIMEOUT_SECONDS, read_timeout)
        assert config.retries["total_max_attempts"] == (LOG_MAX_ATTEMPTS if client is logs else MAX_ATTEMPTS)
        assert client.meta.region_name == "eu-west-1"
