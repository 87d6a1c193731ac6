"""The release before this one, whose code works with today's schema. docs/releasing.md says when to set it.

Nothing was released before 0.3.0, so two points of its history stand for the former release. COMMIT is the last one
without events of the API, whose documents are stored compressed since. MIGRATIONS is the earliest state whose columns
all remain: scheduling's 0006_authors dropped two.
"""

COMMIT = "75ac109c60c3ee80b456b27b59728a4ecdc55a9f"
MIGRATIONS = {"accounts": "0002_audit_log_guards", "posts": "0002_media_store", "scheduling": "0006_authors"}
