"""What became of a run."""

import uuid

from fastapi import APIRouter, HTTPException
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from server.database import Db
from server.db_models import Run
from server.logs import bind
from server.schemas import RunWithSteps

router = APIRouter(prefix="/runs", tags=["runs"])


@router.get("/{run_id}", response_model=RunWithSteps)
def read_run(run_id: uuid.UUID, session: Db) -> Run:
    """With its steps in order: input, output, status and times of each."""
    bind(run_id=str(run_id))
    run = session.scalar(select(Run).where(Run.id == run_id).options(selectinload(Run.steps)))
    if run is None:
        raise HTTPException(404, f"there is no run {run_id}")
    return run
