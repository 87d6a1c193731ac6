"""The targets' names, which can be read without loading what they fuzz."""

NAMES = (
    "date", "instant", "signature", "cursor", "cell", "answer", "headers", "comment", "token", "state", "address",
    "body",
)  # fmt: skip
