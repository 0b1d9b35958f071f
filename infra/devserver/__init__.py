"""The local server: the whole index in one process, without an AWS account. moto emulates AWS, waitress serves HTTP."""

ENDPOINT_PATH = "/_aws"  # `waybill … --local` reaches DynamoDB, KMS and the logs of the server at this path
