"""The versions that the platform runs."""

NEWEST, OLDEST = 26, 21  # graph-api: v20 expired on 2026-09-24; expired ones run on the oldest living
