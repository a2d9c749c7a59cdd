"""The API: items are kept in PostgreSQL."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine(os.environ["DATABASE_URL"], pool_pre_ping=True)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


class NewItem(BaseModel):
    title: str = Field(min_length=1, max_length=200)


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    """Healthy means: the database answers."""
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError) as error:
        raise HTTPException(503, f"the database does not answer: {type(error).__name__}") from None
    return {"status": "healthy", "database": "connected"}


@app.get("/items")
async def list_items() -> list[dict[str, Any]]:
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT id, title, created_at FROM items ORDER BY id DESC LIMIT 100"))
        return [dict(row) for row in rows.mappings()]


@app.post("/items", status_code=201)
async def create_item(item: NewItem) -> dict[str, Any]:
    async with engine.begin() as connection:
        rows = await connection.execute(
            text("INSERT INTO items (title) VALUES (:title) RETURNING id, title, created_at"), {"title": item.title}
        )
        return dict(rows.mappings().one())
