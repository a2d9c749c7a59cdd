"""What the service reads from its environment (or from a .env beside it), typed."""

from functools import lru_cache
from typing import Annotated

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError


class Settings(BaseSettings):
    """Each field is the environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(
        # For programs on the host; the container gets its variables from Compose and has no .env.
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        # Errors without the input: it may be the URL with its password.
        hide_input_in_errors=True,
    )

    #: Secret, because it carries the password; use `sqlalchemy_url`.
    database_url: SecretStr
    db_pool_size: int = Field(default=5, ge=1, le=100)
    db_max_overflow: int = Field(default=5, ge=0, le=100)
    db_timeout_seconds: int = Field(default=3, ge=1, le=60)
    #: How many runs go on at a time; more of them wait, other requests do not.
    run_concurrency: int = Field(default=16, ge=1, le=200)
    run_timeout_seconds: float = Field(default=60.0, gt=0, le=600)
    #: host:port of the services that http_call nodes may call; none unless they are named.
    http_allowed_hosts: Annotated[frozenset[str], NoDecode] = frozenset()

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, value: SecretStr) -> SecretStr:
        try:
            backend = make_url(value.get_secret_value()).get_backend_name()
        except (ArgumentError, ValueError):
            # The parser's own message may quote the URL, password included.
            raise ValueError("not a database URL") from None
        if backend not in ("postgresql", "postgres"):
            raise ValueError(f"wants postgresql+psycopg2://..., not {backend}://...")
        return value

    @field_validator("http_allowed_hosts", mode="before")
    @classmethod
    def _split_at_commas(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return frozenset(part.strip().lower() for part in value.split(",") if part.strip())

    @property
    def sqlalchemy_url(self) -> URL:
        """The URL for the psycopg2 driver, whichever driver the variable names."""
        url = make_url(self.database_url.get_secret_value())
        return url.set(drivername="postgresql+psycopg2")


@lru_cache
def get_settings() -> Settings:
    """The settings; ends the program with one line per variable when they are not usable."""
    try:
        return Settings()
    except ValidationError as error:
        problems = (
            f"  {'.'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
            for problem in error.errors()
        )
        raise SystemExit("\n".join(["error: the environment is not usable:", *problems])) from None
