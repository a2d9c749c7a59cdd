// Can apps/api reach and use PostgreSQL and Redis? Writes to both and reads back; exit 1 says why not.
//
//     node apps/api/src/connect.js
import { randomUUID } from "node:crypto";

import { readSettings } from "./settings.js";
import { connectStores } from "./stores.js";

const mark = `connect-${randomUUID()}`;
let database;
let redis;
try {
  ({ database, redis } = await connectStores(readSettings(process.env, ["DATABASE_URL", "REDIS_URL"]), 3));
  const { id } = await database.workspace.create({ data: { name: mark } });
  const read = await database.workspace.findUniqueOrThrow({ where: { id } });
  await database.workspace.delete({ where: { id } });
  if (read.name !== mark) throw new Error(`PostgreSQL gave back ${read.name}`);
  const [{ version }] = await database.$queryRaw`SELECT current_setting('server_version') AS version`;
  console.log(`PostgreSQL ${version}: written and read`);

  await redis.set(mark, mark, { expiration: { type: "EX", value: 60 } });
  const back = await redis.getDel(mark);
  if (back !== mark) throw new Error(`Redis gave back ${back}`);
  const [, redisVersion] = /redis_version:(\S+)/.exec(await redis.info("server"));
  console.log(`Redis ${redisVersion}: written and read`);
} catch (error) {
  // Prisma's messages begin with the place of the call.
  const reason = error.name.startsWith("Prisma") ? error.message.trim().split("\n").at(-1) : error.message;
  console.error(`apps/api cannot use its stores: ${reason}`);
  process.exitCode = 1;
} finally {
  await database?.$disconnect();
  redis?.destroy();
}
