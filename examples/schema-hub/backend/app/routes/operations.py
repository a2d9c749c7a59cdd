"""/health: for the engine, and for people."""

from fastapi import APIRouter, Response
from pydantic import BaseModel

from app.database import DatabaseDep

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    status: str
    database: str
    reason: str | None = None


@router.get("/health", response_model_exclude_none=True, responses={503: {"model": Health}})
async def health(database: DatabaseDep, response: Response) -> Health:
    """Healthy means that the database answers."""
    reason = await database.trouble()
    if reason is None:
        return Health(status="healthy", database="connected")
    response.status_code = 503
    return Health(status="unhealthy", database="unreachable", reason=reason)
