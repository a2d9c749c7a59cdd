// The Prisma CLI for this package. Its schema engine runs as WebAssembly over the `pg` driver, so that
// nothing but npm packages is needed.
import { defineConfig } from "prisma/config";

import { MigrationAdapter } from "./adapter.js";

// The CLI of Prisma 6 downloads its native query engine before every command, although none of them
// uses it with `engine: "js"`. A file that is there is taken for it.
process.env.PRISMA_QUERY_ENGINE_LIBRARY ??= import.meta.filename;

// The schema engine leaves the timer of its lock running: every command would end ten seconds late.
const later = globalThis.setTimeout;
globalThis.setTimeout = (work, wait, ...rest) => {
  const timer = later(work, wait, ...rest);
  return wait === 10_000 ? timer.unref() : timer;
};

export default defineConfig({
  schema: "prisma/schema.prisma",
  migrations: { path: "prisma/migrations" },
  experimental: { adapter: true },
  engine: "js",
  adapter: async () => new MigrationAdapter(process.env.DATABASE_URL),
});
