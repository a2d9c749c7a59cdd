// The Prisma client of HYVVE's database.
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "@prisma/client";

/** A client with at most `connections` connections; it connects with the first query. */
export function connectDatabase(url, connections = 5) {
  const adapter = new PrismaPg({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: 3000,
    application_name: "hyvve-api",
  });
  return new PrismaClient({ adapter });
}
