"""What nobody would send: bytes for the parsers, guided by coverage, and requests made up from the description."""
