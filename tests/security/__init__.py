"""The access matrix: every URL, task and command, tried by every role. `make access-matrix` prints it."""
