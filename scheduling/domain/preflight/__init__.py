"""Checks that a reviewer sees before deciding. `checks.run_checks` runs all of them."""
