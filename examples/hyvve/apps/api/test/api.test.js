// Against the running API, PostgreSQL, Redis and AgentOS; what they make they delete.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";

import { readSettings } from "../src/settings.js";
import { connectStores } from "../src/stores.js";
import { tokenFor } from "../src/token.js";

const API = process.env.TESTED_API ?? "http://localhost:3001";
const settings = readSettings();
const { database, redis } = await connectStores(settings);
const made = [];

after(async () => {
  await database.workspace.deleteMany({ where: { id: { in: made } } });
  await database.$disconnect();
  redis.destroy();
});

async function ask(method, path, body) {
  const init = { method, headers: { "content-type": "application/json" } };
  if (body !== undefined) init.body = typeof body === "string" ? body : JSON.stringify(body);
  const answer = await fetch(`${API}${path}`, init);
  const text = await answer.text();
  return [answer.status, text ? JSON.parse(text) : undefined];
}

async function workspace(name = `test-${randomUUID()}`) {
  const [status, body] = await ask("POST", "/workspaces", { name });
  assert.equal(status, 201, JSON.stringify(body));
  made.push(body.id);
  return body;
}

async function finished(id) {
  for (let tries = 0; tries < 200; tries++) {
    const [, run] = await ask("GET", `/runs/${id}`);
    if (run.status === "completed" || run.status === "failed") return run;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`the run ${id} was not finished within 10 s`);
}

test("health asks the database, the queue and AgentOS", async () => {
  const all = { status: "healthy", database: "ok", redis: "ok", agentos: "ok" };
  assert.deepEqual(await ask("GET", "/health"), [200, all]);
});

test("a workspace is in the database and in the list", async () => {
  const { id, name } = await workspace();
  assert.equal((await database.workspace.findUnique({ where: { id } })).name, name);
  const [, { items }] = await ask("GET", "/workspaces");
  assert.equal(items.find((one) => one.id === id).runs, 0);
});

test("two workspaces of one name are a conflict", async () => {
  const { name } = await workspace();
  assert.deepEqual(await ask("POST", "/workspaces", { name }), [409, { detail: "there is one of that name" }]);
});

test("a run goes through the queue to AgentOS and comes back finished", async () => {
  const { id } = await workspace();
  const input = "Tides rise. The moon pulls the tides, and the tides follow the moon.";
  const [status, run] = await ask("POST", `/workspaces/${id}/runs`, { agent: "keywords", input });
  assert.equal(status, 202);
  assert.equal(run.status, "queued");
  const done = await finished(run.id);
  assert.equal(done.status, "completed", done.error);
  assert.deepEqual(done.output.keywords.slice(0, 2), ["tides", "moon"]);
  assert.ok(done.finishedAt);
});

test("a run of an agent that is not there fails and says so", async () => {
  const { id } = await workspace();
  const [, run] = await ask("POST", `/workspaces/${id}/runs`, { agent: "nobody", input: "x" });
  const done = await finished(run.id);
  assert.deepEqual([done.status, done.error, done.output], ["failed", "there is no agent 'nobody'", null]);
});

test("AgentOS tells the runs of the workspace that was signed for, and of no other", async () => {
  const [one, other] = [await workspace(), await workspace()];
  const [, run] = await ask("POST", `/workspaces/${one.id}/runs`, { agent: "contacts", input: "a@example.com" });
  await finished(run.id);
  const [status, { items }] = await ask("GET", `/workspaces/${one.id}/runs`);
  assert.equal(status, 200);
  assert.deepEqual(items.map((item) => [item.id, item.output]), [[run.id, { emails: ["a@example.com"], links: [] }]]);
  assert.deepEqual(await ask("GET", `/workspaces/${other.id}/runs`), [200, { items: [] }]);
});

test("AgentOS refuses what another secret signed, and what is out of date", async () => {
  const { id } = await workspace();
  const asked = async (token) =>
    (await fetch(`${settings.agentosUrl}/runs`, { headers: { authorization: `Bearer ${token}` } })).status;
  assert.equal(await asked(tokenFor(id, settings.secret)), 200);
  assert.equal(await asked(tokenFor(id, "another secret of thirty-two bytes")), 401);
  assert.equal(await asked(tokenFor(id, settings.secret, Date.now() - 120_000)), 401);
});

test("a deleted workspace takes its runs along", async () => {
  const { id } = await workspace();
  const [, run] = await ask("POST", `/workspaces/${id}/runs`, { agent: "summary", input: "One. Two." });
  await finished(run.id);
  assert.deepEqual(await ask("DELETE", `/workspaces/${id}`), [204, undefined]);
  assert.equal((await ask("GET", `/runs/${run.id}`))[0], 404);
});

for (const [what, method, path, body, status] of [
  ["no name", "POST", "/workspaces", {}, 422],
  ["no JSON", "POST", "/workspaces", "{", 422],
  ["a NUL", "POST", "/workspaces", { name: "a\0b" }, 422],
  ["an unknown workspace", "POST", `/workspaces/${randomUUID()}/runs`, { agent: "summary", input: "x" }, 404],
  ["an id that is none", "GET", "/runs/1", undefined, 404],
  ["an unknown path", "GET", "/nothing", undefined, 404],
  ["another method", "DELETE", "/health", undefined, 405],
])
  test(`${what} is ${status} with a reason`, async () => {
    const [found, answer] = await ask(method, path, body);
    assert.equal(found, status);
    assert.ok(answer.detail);
  });

test("a setting that is missing is named, one line each", () => {
  const given = { DATABASE_URL: "postgresql://x", BETTER_AUTH_SECRET: "x" };
  assert.throws(() => readSettings(given), /not set:\n {2}REDIS_URL: where Redis is\n {2}AGENTOS_URL: where AgentOS is$/);
});
