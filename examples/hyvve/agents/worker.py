"""Takes runs from the queue in Redis, one after the other, and carries them out."""

import asyncio
import logging
from uuid import UUID

from redis.exceptions import RedisError

from catalogue import AGENTS
from stores import QUEUE, TAKEN, WAIT, Stores, Unavailable

log = logging.getLogger("uvicorn.error")
PAUSE = 1.0  # seconds before the next try when a store is down


async def work(stores: Stores) -> None:
    """Until it is cancelled. A run that a worker took and did not finish is taken again."""
    told = ""
    while True:
        try:
            await take_back(stores)
            while True:
                run = await stores.redis.blmove(QUEUE, TAKEN, WAIT, "RIGHT", "LEFT")
                told = ""
                if run is not None:
                    await carry_out(stores, str(run))
                    await stores.redis.lrem(TAKEN, 1, str(run))
        except (Unavailable, RedisError, OSError) as error:
            # Once per trouble: it lasts as long as the store is down.
            if str(error) != told:
                log.warning("the queue waits: %s", error)
                told = str(error)
            await asyncio.sleep(PAUSE)


async def take_back(stores: Stores) -> None:
    while await stores.redis.lmove(TAKEN, QUEUE, "RIGHT", "LEFT"):
        pass


async def carry_out(stores: Stores, name: str) -> None:
    try:
        run = UUID(name)
    except ValueError:
        log.warning("the queue held %r, which is not the id of a run", name[:80])
        return
    found = await stores.start_run(run)
    if found is None:
        return
    agent, text = found
    try:
        output = AGENTS[agent](text)
    except KeyError:
        await stores.finish_run(run, None, f"there is no agent {agent!r}")
    except ValueError as error:
        await stores.finish_run(run, None, str(error))
    else:
        await stores.finish_run(run, output, None)
