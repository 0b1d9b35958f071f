"""The whole index in one process, with no account: moto for AWS, waitress for HTTP."""
