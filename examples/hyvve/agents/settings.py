"""What AgentOS reads from its environment, and what is wrong with it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

CORS_ORIGINS = "http://localhost:3000,http://localhost:3001"
SHORTEST_SECRET = 32  # bytes, for HMAC with SHA-256


@dataclass(frozen=True, slots=True)
class Settings:
    """`problems` says what is missing or unusable, a line per variable, never a value."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    auth_secret: str = field(repr=False)
    cors_origins: tuple[str, ...]
    problems: tuple[str, ...]


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings. A service that lacks one still starts, so that it can say which."""
    database_url = environment.get("DATABASE_URL", "")
    redis_url = environment.get("REDIS_URL", "")
    secret = environment.get("BETTER_AUTH_SECRET", "")
    problems = [
        f"{name} is not set: {meaning}"
        for name, value, meaning in (
            ("DATABASE_URL", database_url, "where PostgreSQL is"),
            ("REDIS_URL", redis_url, "where Redis is"),
            ("BETTER_AUTH_SECRET", secret, "what apps/api signs its requests with"),
        )
        if not value
    ]
    if database_url and not database_url.startswith(("postgresql://", "postgres://")):
        problems.append("DATABASE_URL does not begin with postgresql://")
    if redis_url and not redis_url.startswith(("redis://", "rediss://")):
        problems.append("REDIS_URL does not begin with redis://")
    if secret and len(secret) < SHORTEST_SECRET:
        problems.append(f"BETTER_AUTH_SECRET is shorter than {SHORTEST_SECRET} characters")
    origins = environment.get("CORS_ORIGINS") or CORS_ORIGINS
    return Settings(
        database_url=database_url,
        redis_url=redis_url,
        auth_secret=secret,
        cors_origins=tuple(origin.strip() for origin in origins.split(",") if origin.strip()),
        problems=tuple(problems),
    )
