"""Publishing of approved posts. Read run.py first."""
