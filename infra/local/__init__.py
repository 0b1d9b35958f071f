"""The whole index in one process, with no account: moto for AWS, waitress for HTTP."""

DOOR = "/_aws"  # where the operator's commands come in
