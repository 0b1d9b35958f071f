"""Releases: a zip, the bill of what is in it and the template that belongs to it, in a private bucket of the stage's
own, named after their bytes.

A release never changes once it is there, so going back to one brings exactly what ran.
"""

import hashlib
import json
import time
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from infra.deploy.package import Package
from infra.deploy.stage import DeployError, Stage

_CREATE_ATTEMPTS = 10  # S3 needs a while before the name of a bucket that was just deleted is free


@dataclass(frozen=True, slots=True)
class Release:
    """A release in the bucket. `parameters` are those that its template has."""

    name: str
    bucket: str
    template_url: str
    parameters: frozenset[str]


class Releases:
    """A stage's releases."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._s3 = stage.s3
        self._bucket = stage.bucket
        self._owner = {"Bucket": stage.bucket, "ExpectedBucketOwner": stage.account}

    def add(self, package: Package) -> Release:
        """Uploads what is not there yet, and makes the bucket if need be. Raises DeployError."""
        self._make_bucket()
        template = json.dumps(package.template, sort_keys=True, separators=(",", ":")).encode()
        name = hashlib.sha256(package.sha256.encode() + template).hexdigest()[:32]
        self._upload(f"{name}.json", template)
        self._upload(f"{name}.cdx.json", package.sbom.read_bytes())
        self._upload(f"{name}.zip", package.zip.read_bytes())
        return self.find(name)

    def find(self, name: str) -> Release:
        """The release of this name, which must be there."""
        template = json.load(self._s3.get_object(Key=f"{name}.json", **self._owner)["Body"])
        url = f"{self._s3.meta.endpoint_url}/{self._bucket}/{name}.json"
        return Release(name, self._bucket, url, frozenset(template["Parameters"]))

    def has(self, name: str) -> bool:
        """Whether a whole release of this name is there."""
        return self._exists(f"{name}.json") and self._exists(f"{name}.zip")

    def remove_all(self) -> None:
        """Deletes the bucket with everything that was ever in it."""
        try:
            for page in self._s3.get_paginator("list_object_versions").paginate(**self._owner):
                entries = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
                doomed = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries]
                if doomed:
                    self._s3.delete_objects(Delete={"Objects": doomed, "Quiet": True}, **self._owner)
            self._s3.delete_bucket(**self._owner)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucket":
                raise

    def _upload(self, key: str, body: bytes) -> None:
        if not self._exists(key):
            self._s3.put_object(Key=key, Body=body, **self._owner)

    def _exists(self, key: str) -> bool:
        try:
            self._s3.head_object(Key=key, **self._owner)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NoSuchBucket"):
                return False
            raise
        return True

    def _make_bucket(self) -> None:
        """Makes the bucket, or finds it. What it is like is said each time, for a run that was cut short."""
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
                        f"the bucket {self._bucket} belongs to another account: deploy under another STAGE"
                    ) from error
                if code != "OperationAborted" or attempt == _CREATE_ATTEMPTS - 1:
                    raise
                time.sleep(attempt)
        self._s3.put_public_access_block(
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
            **self._owner,
        )
        self._s3.put_bucket_encryption(
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
            **self._owner,
        )
        self._s3.put_bucket_versioning(VersioningConfiguration={"Status": "Enabled"}, **self._owner)

    def _create_bucket(self) -> None:
        region = self._stage.region
        place: dict[str, Any] = (
            {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        )
        self._s3.create_bucket(Bucket=self._bucket, ObjectOwnership="BucketOwnerEnforced", **place)
