"""The AWS region of a command. All commands find it in the same way."""

import os
from typing import Any

REGION_HELP = "The AWS region.  [default: AWS_REGION, AWS_DEFAULT_REGION, or the region of the profile]"
MISSING_REGION = "the region is missing: pass --region, or set AWS_REGION, for example to eu-west-1"


def find_region(option: str | None, session: Any) -> str | None:
    """Return the region from the option, from AWS_REGION, or from the configuration of a botocore session."""
    region: str | None = option or os.environ.get("AWS_REGION") or session.get_config_variable("region")
    return region
