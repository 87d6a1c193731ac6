"""Fuzzing: the parsers, guided by coverage, and the API, with requests generated from its description."""
