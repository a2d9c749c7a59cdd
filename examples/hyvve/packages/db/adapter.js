// Prisma's driver adapter with what its schema engine needs beyond queries of an application.
import { randomUUID } from "node:crypto";

import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";

// Types of the system catalogs ("char", name, and their arrays) that the adapter does not know. They are texts.
const TEXT = 25;
const TEXT_ARRAY = 1009;
const READ_AS = new Map([
  [18, TEXT],
  [19, TEXT],
  [1002, TEXT_ARRAY],
  [1003, TEXT_ARRAY],
]);

class Client extends pg.Client {
  query(...asked) {
    const callback = asked.at(-1);
    if (typeof callback !== "function") return super.query(...asked).then(readable);
    return super.query(...asked.slice(0, -1), (error, result) =>
      callback(error, error ? result : readable(result)),
    );
  }
}

function readable(result) {
  for (const { fields } of [result].flat())
    for (const field of fields ?? [])
      field.dataTypeID = READ_AS.get(field.dataTypeID) ?? field.dataTypeID;
  return result;
}

export class MigrationAdapter extends PrismaPg {
  constructor(url) {
    // One connection: the advisory lock of a migration belongs to the connection that took it.
    super({ connectionString: url, max: 1, idleTimeoutMillis: 200, Client });
    this.url = url;
  }

  async connect() {
    const made = await super.connect();
    // The adapter's own cuts a script at every semicolon, also inside of functions.
    made.executeScript = async (script) => {
      await made.underlyingDriver().query(script).catch((error) => made.onError(error));
    };
    return made;
  }

  // The adapter's own connects to the database itself when it is given a URL.
  async connectToShadowDb() {
    const name = `prisma_migrate_shadow_db_${randomUUID()}`;
    const server = await this.connect();
    await server.executeScript(`CREATE DATABASE "${name}"`);
    const url = new URL(this.url);
    url.pathname = `/${name}`;
    const shadow = await new MigrationAdapter(url.href).connect();
    const close = shadow.dispose.bind(shadow);
    shadow.dispose = async () => {
      await close();
      await server.executeScript(`DROP DATABASE "${name}" WITH (FORCE)`);
      await server.dispose();
    };
    return shadow;
  }
}
