"""The checks one by one, each in the file of what it looks at. `scheduling.domain.preflight.checks` runs them all."""
