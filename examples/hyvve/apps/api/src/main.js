import { createServer } from "node:http";

import { createApi } from "./api.js";
import { readSettings } from "./settings.js";
import { connectStores } from "./stores.js";

try {
  const settings = readSettings();
  const stores = await connectStores(settings);
  const server = createServer(createApi(settings, stores));
  server.listen(settings.port, "0.0.0.0", () => console.log(`apps/api listens on ${settings.port}`));
  for (const signal of ["SIGTERM", "SIGINT"])
    process.once(signal, () => {
      server.close(async () => {
        await stores.database.$disconnect();
        stores.redis.destroy();
      });
      server.closeAllConnections();
    });
} catch (error) {
  console.error(`cannot start: ${error.message}`);
  process.exitCode = 1;
}
