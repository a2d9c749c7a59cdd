"""Proof that an environment works: checks on a disposable twin of the stack."""
