"""When two captions count as the same one."""

import hashlib
import unicodedata


def caption_key(caption: str) -> str:
    """Return what captions share that differ only in case, white space and ways to write a letter; empty for none."""
    plain = " ".join(unicodedata.normalize("NFKC", caption).casefold().split())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest() if plain else ""
