"""An empty AWS configuration for local clients.

botocore reads more than 50 variables and four files. Each of them can change the endpoint, the region or the
credentials of a client. So all of them are hidden, not only the known exceptions.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

REGION = "us-east-1"  # of the local server, whatever the ambient region is; moto does not know all regions
_PREFIXES = ("AWS_", "BOTO", "_AWS_")
_EMPTY = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "BOTO_CONFIG": os.devnull,
    "AWS_ACCESS_KEY_ID": "unused",
    "AWS_SECRET_ACCESS_KEY": "unused",  # pragma: allowlist secret
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextmanager
def empty_aws_configuration() -> Iterator[None]:
    """Hide the AWS configuration of the environment and of the home directory in this block."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(_PREFIXES)}
    os.environ.update(_EMPTY)
    try:
        yield
    finally:
        for name in _EMPTY:
            os.environ.pop(name, None)
        os.environ.update(hidden)
