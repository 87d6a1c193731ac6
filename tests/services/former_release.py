"""The release before this one, whose code works with today's schema. docs/releasing.md says when to set it.

Nothing was released before 0.3.0, so two points of its history stand for the former release. COMMIT is the last one
without deploy/. MIGRATIONS is the earliest state whose columns all remain: scheduling's 0006_authors dropped two.
"""

COMMIT = "2b280ea5b2931d21384433af74335d33c225471e"
MIGRATIONS = {"accounts": "0002_audit_log_guards", "posts": "0002_media_store", "scheduling": "0006_authors"}
