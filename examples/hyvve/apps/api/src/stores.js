import { connectDatabase } from "@hyvve/db";
import { createClient } from "redis";

export const QUEUE = "agentos:queue";

/** PostgreSQL through Prisma, and Redis, which is tried `tries` times. */
export async function connectStores({ databaseUrl, redisUrl }, tries = Infinity) {
  const redis = createClient({
    url: redisUrl,
    // Commands fail at once while Redis is away, and work again when it is back.
    disableOfflineQueue: true,
    socket: {
      connectTimeout: 3000,
      reconnectStrategy: (done, error) => (done + 1 < tries ? Math.min(100 * done, 1000) : error),
    },
  });
  redis.on("error", (error) => {
    if (tries === Infinity) console.warn(`redis: ${error.message || error.code}`);
  });
  await redis.connect();
  return { database: connectDatabase(databaseUrl), redis };
}
