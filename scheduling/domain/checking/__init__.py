"""The checks one by one, each in the file of what it looks at. `scheduling.domain.checks` runs them all."""
