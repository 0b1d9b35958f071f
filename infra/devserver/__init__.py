"""The whole index in one process, with no account: moto for AWS, waitress for HTTP."""

ENDPOINT_PATH = "/_aws"  # where the operator's commands come in
