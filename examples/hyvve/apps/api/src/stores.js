import { connectDatabase } from "@hyvve/db";
import { createClient } from "redis";

export const QUEUE = "agentos:queue";

/** PostgreSQL through Prisma, and Redis. */
export async function connectStores({ databaseUrl, redisUrl }) {
  const redis = createClient({
    url: redisUrl,
    // Commands fail at once while Redis is away, and work again when it is back.
    disableOfflineQueue: true,
    socket: { connectTimeout: 3000, reconnectStrategy: (tries) => Math.min(tries * 100, 1000) },
  });
  redis.on("error", (error) => console.warn(`redis: ${error.message || error.code}`));
  await redis.connect();
  return { database: connectDatabase(databaseUrl), redis };
}
