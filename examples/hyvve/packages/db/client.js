// The Prisma client of HYVVE's database.
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "@prisma/client";

/**
 * A client with at most `connections` connections; it connects with the first query. A query waits for one of
 * them: a server that stands still for some seconds (its disk, a lock) makes answers late, not wrong.
 */
export function connectDatabase(url, connections = 5) {
  const adapter = new PrismaPg({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: 15_000,
    application_name: "hyvve-api",
  });
  return new PrismaClient({ adapter });
}
