"""/healthz and /metrics: for the engine, the front end and Prometheus."""

from fastapi import APIRouter, Request, Response

from app.database import DatabaseHere
from app.metrics import CONTENT_TYPE_LATEST
from app.schemas import Health

router = APIRouter(tags=["operations"])


@router.get("/healthz", response_model_exclude_none=True, responses={503: {"model": Health}})
async def health(database: DatabaseHere, response: Response) -> Health:
    """Healthy means that the database answers."""
    reason = await database.trouble()
    if reason is None:
        return Health(status="healthy", db=True)
    response.status_code = 503
    return Health(status="unhealthy", db=False, reason=reason)


@router.get("/metrics", response_class=Response)
async def metrics(request: Request, database: DatabaseHere) -> Response:
    text = await request.app.state.metrics.scrape(database)
    return Response(text, media_type=CONTENT_TYPE_LATEST)
