"""/health: for the engine, and for people."""

from fastapi import APIRouter, Request, Response

from server.schemas import Health

router = APIRouter(tags=["operations"])


@router.get("/health", response_model_exclude_none=True, responses={503: {"model": Health}})
async def health(request: Request, response: Response) -> Health:
    """Healthy means that the database answers."""
    reason = await request.app.state.pulse.trouble()
    if reason is None:
        return Health(status="healthy", database="connected")
    response.status_code = 503
    return Health(status="unhealthy", database="unreachable", reason=reason)
