"""Publishing on an Instagram professional account."""
