"""Client of Dynamo's API: draft posts, submit them for approval, follow the review, read what is published."""

from dynamo_client.auth import BearerAuth, SignatureAuth

__all__ = ["BearerAuth", "SignatureAuth"]
