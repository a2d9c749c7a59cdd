"""What the service reads from its environment, typed."""

from functools import lru_cache

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError


class Settings(BaseSettings):
    """Each field is the environment variable of the same name in capitals."""

    # Errors without the input: it may be the URL with its password.
    model_config = SettingsConfigDict(env_ignore_empty=True, hide_input_in_errors=True)

    #: Secret, because it carries the password; use `sqlalchemy_url`.
    database_url: SecretStr
    db_pool_size: int = Field(default=5, ge=1, le=100)
    db_max_overflow: int = Field(default=5, ge=0, le=100)
    #: How long a request waits for a connection of the pool; after that it is a 503.
    db_pool_timeout_seconds: float = Field(default=30.0, gt=0)
    db_timeout_seconds: float = Field(default=3.0, gt=0)
    #: Make missing tables at the start, without Alembic: for a quick try on an empty database.
    create_tables: bool = False
    #: What one client may ask for in the long run; 0 for no limit.
    rate_limit_per_second: float = Field(default=50.0, ge=0)
    #: What it may ask for at once, after a pause.
    rate_limit_burst: int = Field(default=250, ge=1)
    draft_lifetime_days: int = Field(default=30, ge=1, le=3650)

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, value: SecretStr) -> SecretStr:
        try:
            backend = make_url(value.get_secret_value()).get_backend_name()
        except (ArgumentError, ValueError):
            # The parser's own message may quote the URL, password included.
            raise ValueError("not a database URL") from None
        if backend not in ("postgresql", "postgres"):
            raise ValueError(f"wants postgresql+asyncpg://..., not {backend}://...")
        return value

    @property
    def sqlalchemy_url(self) -> URL:
        """The URL for the asyncpg driver, whichever driver the variable names."""
        url = make_url(self.database_url.get_secret_value())
        return url.set(drivername="postgresql+asyncpg")


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
