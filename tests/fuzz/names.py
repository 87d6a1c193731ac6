"""The targets' names, which can be read without loading what they fuzz."""

NAMES = (
    "date", "instant", "signature", "cursor", "cell", "answer", "headers", "comment", "published", "token", "state",
    "address", "body", "signed_request", "webhook", "mcp", "tool",
)  # fmt: skip
