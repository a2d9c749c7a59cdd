// Writes the migration that brings the database to what schema.prisma says: node new.js NAME
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";

const name = process.argv[2] ?? "";
if (!/^[a-z0-9_]+$/.test(name)) {
  console.error("usage: npm run db:new -- NAME   (a-z, 0-9 and _)");
  process.exit(2);
}
const words = ["--no-install", "prisma", "migrate", "diff", "--exit-code", "--script"];
words.push("--from-migrations", "prisma/migrations", "--to-schema-datamodel", "prisma/schema.prisma");
const { status, stdout } = spawnSync("npx", words, { stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" });
if (status === 0) {
  console.log("schema.prisma says nothing that the migrations do not");
} else if (status === 2) {
  const folder = `prisma/migrations/${new Date().toISOString().replace(/\D/g, "").slice(0, 14)}_${name}`;
  mkdirSync(folder);
  writeFileSync(`${folder}/migration.sql`, stdout.slice(stdout.indexOf("-- ")));
  console.log(`packages/db/${folder}/migration.sql: read it, then npm run db:migrate`);
} else {
  process.exit(1);
}
