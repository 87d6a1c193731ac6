"""Publishing of approved posts. Read run.py first.

Imports go one way: run | stage, commit, reconcile | outcomes | gate, payload, lease, retry_policy.
"""
