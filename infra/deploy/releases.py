"""Releases: a package, its bill of materials and its template in a private bucket, named after their hash.

A release never changes, so a rollback restores exactly the code and the template that ran before.
"""

import hashlib
import json
import time
from typing import Any

from botocore.exceptions import ClientError
from msgspec import Struct

from infra.deploy.package_model import Package
from infra.deploy.stage import DeployError, Stage

_CREATE_ATTEMPTS = 10  # after the deletion of a bucket, S3 needs some time until the name can be used again


class Release(Struct, frozen=True):
    """A release in the bucket. `parameters` are the names of its template's parameters."""

    name: str
    bucket: str
    template_url: str
    parameters: frozenset[str]


class Releases:
    """The releases of a stage. `s3` is a boto3 client."""

    def __init__(self, stage: Stage, s3: Any) -> None:
        self._stage = stage
        self._s3 = s3
        self._owned_bucket = {"Bucket": stage.bucket, "ExpectedBucketOwner": stage.account}

    def add(self, package: Package) -> Release:
        """Upload the files that are missing. Creates the bucket if it is missing. Raises DeployError."""
        self._ensure_bucket()
        template = json.dumps(package.template, sort_keys=True, separators=(",", ":")).encode()
        name = hashlib.sha256(package.sha256.encode() + template).hexdigest()[:32]
        self._upload(f"{name}.json", template)
        self._upload(f"{name}.cdx.json", package.sbom.read_bytes())
        self._upload(f"{name}.zip", package.zip.read_bytes())
        return self.get(name)

    def get(self, name: str) -> Release:
        """Return a release that exists."""
        template = json.load(self._s3.get_object(Key=f"{name}.json", **self._owned_bucket)["Body"])
        url = f"{self._s3.meta.endpoint_url}/{self._stage.bucket}/{name}.json"
        return Release(name, self._stage.bucket, url, frozenset(template["Parameters"]))

    def exists(self, name: str) -> bool:
        """Return whether a complete release with this name exists."""
        return self._has_file(f"{name}.json") and self._has_file(f"{name}.zip")

    def delete_all(self) -> None:
        """Delete the bucket with all versions of all files."""
        try:
            for page in self._s3.get_paginator("list_object_versions").paginate(**self._owned_bucket):
                entries = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
                keys = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries]
                if keys:
                    self._s3.delete_objects(Delete={"Objects": keys, "Quiet": True}, **self._owned_bucket)
            self._s3.delete_bucket(**self._owned_bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucket":
                raise

    def _upload(self, key: str, body: bytes) -> None:
        if not self._has_file(key):
            self._s3.put_object(Key=key, Body=body, **self._owned_bucket)

    def _has_file(self, key: str) -> bool:
        try:
            self._s3.head_object(Key=key, **self._owned_bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NoSuchBucket"):
                return False
            raise
        return True

    def _ensure_bucket(self) -> None:
        """Create the bucket, or find it. Its settings are written each time, in case an earlier run was interrupted."""
        for attempt in range(_CREATE_ATTEMPTS):
            try:
                self._create_bucket()
                break
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code == "BucketAlreadyOwnedByYou":
                    break
                if code == "BucketAlreadyExists":
                    raise DeployError(
                        f"the bucket {self._stage.bucket} belongs to another account: use another STAGE"
                    ) from error
                if code != "OperationAborted" or attempt == _CREATE_ATTEMPTS - 1:
                    raise
                time.sleep(attempt)
        blocked = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        self._s3.put_public_access_block(
            PublicAccessBlockConfiguration=dict.fromkeys(blocked, True), **self._owned_bucket
        )
        encryption = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
        self._s3.put_bucket_encryption(ServerSideEncryptionConfiguration=encryption, **self._owned_bucket)
        self._s3.put_bucket_versioning(VersioningConfiguration={"Status": "Enabled"}, **self._owned_bucket)

    def _create_bucket(self) -> None:
        region = self._stage.region
        location: dict[str, Any] = (
            {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        )
        self._s3.create_bucket(Bucket=self._stage.bucket, ObjectOwnership="BucketOwnerEnforced", **location)
