"""Capability tokens: whoever has a draft's token may work on it. Only its hash is ever stored."""

import hashlib
import hmac
import secrets


def new_token() -> str:
    """43 characters, 256 bits of chance."""
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    """What is stored, 64 hexadecimal digits. Nobody guesses 256 bits, so a plain hash is enough:
    slow hashes and salts are for passwords that people choose."""
    return hashlib.sha256(token.encode()).hexdigest()


def opens(token: str, stored_hash: str) -> bool:
    """Is this the token? Takes the same time wherever the two hashes begin to differ."""
    return hmac.compare_digest(hash_of(token).encode(), stored_hash.encode())
