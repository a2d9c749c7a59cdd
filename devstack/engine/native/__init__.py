"""Services as processes of this machine, behind the same `Engine` protocol as containers."""
