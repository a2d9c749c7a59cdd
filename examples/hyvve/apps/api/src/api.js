// A small stand-in for HYVVE's NestJS backend: workspaces, and runs of agents in them.
import { randomUUID } from "node:crypto";

import { QUEUE } from "./stores.js";
import { tokenFor } from "./token.js";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const MOST = 1 << 20; // bytes of a body

class Problem extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** A request listener for node:http. */
export function createApi(settings, { database, redis }) {
  const routes = [
    ["GET", /^\/$/, about],
    ["GET", /^\/health$/, health],
    ["POST", /^\/workspaces$/, createWorkspace],
    ["GET", /^\/workspaces$/, listWorkspaces],
    ["POST", /^\/workspaces\/([^/]+)\/runs$/, createRun],
    ["GET", /^\/workspaces\/([^/]+)\/runs$/, listRuns],
    ["DELETE", /^\/workspaces\/([^/]+)$/, deleteWorkspace],
    ["GET", /^\/runs\/([^/]+)$/, readRun],
  ];

  async function about() {
    return [200, { service: "apps/api", agentos: settings.agentosUrl }];
  }

  async function health() {
    const [postgres, cache, agentos] = await Promise.all([
      trouble(() => within(3000, database.$queryRaw`SELECT 1`)),
      trouble(() => redis.ping()),
      trouble(async () => {
        const answer = await fetch(`${settings.agentosUrl}/`, { signal: AbortSignal.timeout(3000) });
        if (!answer.ok) throw new Error(`status ${answer.status}`);
      }),
    ]);
    // AgentOS has a health check of its own: runs are queued while it is away.
    const healthy = postgres === "ok" && cache === "ok";
    const status = healthy ? "healthy" : "unhealthy";
    return [healthy ? 200 : 503, { status, database: postgres, redis: cache, agentos }];
  }

  async function createWorkspace(_, body) {
    const name = textOf(body, "name", 200);
    return [201, await database.workspace.create({ data: { name } })];
  }

  async function listWorkspaces() {
    const items = await database.workspace.findMany({
      orderBy: { createdAt: "desc" },
      take: 200,
      include: { _count: { select: { runs: true } } },
    });
    return [200, { items: items.map(({ _count, ...one }) => ({ ...one, runs: _count.runs })) }];
  }

  async function deleteWorkspace([id]) {
    await database.workspace.delete({ where: { id: idOf(id) } });
    return [204];
  }

  async function createRun([workspace], body) {
    const data = {
      workspaceId: idOf(workspace),
      agent: textOf(body, "agent", 100),
      input: textOf(body, "input", 100_000),
    };
    const run = await database.agentRun.create({ data });
    await redis.lPush(QUEUE, run.id);
    return [202, run];
  }

  async function readRun([id]) {
    return [200, await database.agentRun.findUniqueOrThrow({ where: { id: idOf(id) } })];
  }

  /** As AgentOS tells it: one service asks the other by its name on the internal network. */
  async function listRuns([workspace]) {
    const id = idOf(workspace);
    await database.workspace.findUniqueOrThrow({ where: { id } });
    const answer = await fetch(`${settings.agentosUrl}/runs`, {
      headers: { authorization: `Bearer ${tokenFor(id, settings.secret)}` },
      signal: AbortSignal.timeout(20_000), // longer than AgentOS waits for its database
    }).catch((error) => {
      throw new Problem(502, `AgentOS at ${settings.agentosUrl}: ${reasonOf(error)}`);
    });
    if (!answer.ok) throw new Problem(502, `AgentOS: ${answer.status} ${await answer.text()}`);
    return [200, await answer.json()];
  }

  return async function listen(request, response) {
    const { pathname } = new URL(request.url, "http://api");
    const [status, body] = await respond(request, pathname).catch((error) => failed(error, request));
    if (body === undefined) return response.writeHead(status).end();
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };

  async function respond(request, path) {
    const fitting = routes.filter(([, pattern]) => pattern.test(path));
    if (fitting.length === 0) throw new Problem(404, `there is no ${path}`);
    const route = fitting.find(([method]) => method === request.method);
    if (!route) throw new Problem(405, `${path} does not take ${request.method}`);
    const body = request.method === "POST" ? await bodyOf(request) : undefined;
    return route[2](route[1].exec(path).slice(1), body);
  }
}

function failed(error, request) {
  if (error instanceof Problem) return [error.status, { detail: error.message }];
  // Prisma's codes: https://www.prisma.io/docs/orm/reference/error-reference
  if (error.code === "P2025" || error.code === "P2003") return [404, { detail: "not found" }];
  if (error.code === "P2002") return [409, { detail: "there is one of that name" }];
  if (error.code === "P2021")
    return [503, { detail: `${reasonOf(error)}; the migrations have not been applied` }];
  if (["P1000", "P1001", "P1002", "P1003", "P1017", "P2024", "P2037"].includes(error.code))
    return [503, { detail: `the database cannot be used: ${reasonOf(error)}` }];
  // The pool's own words; Prisma has no code for them.
  if (/timeout exceeded when trying to connect|due to connection timeout/.test(error.message))
    return [503, { detail: "the database is too busy: no connection was free in time" }];
  if (error.name === "ClientOfflineError" || error.name === "SocketClosedUnexpectedlyError")
    return [503, { detail: `Redis cannot be used: ${reasonOf(error)}` }];
  const id = randomUUID();
  console.error(`${request.method} ${request.url} failed (${id}):`, error);
  return [500, { detail: `unexpected; the log has more under ${id}` }];
}

async function bodyOf(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > MOST) throw new Problem(413, "a body of more than 1 MiB");
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString());
  } catch (error) {
    throw new Problem(422, `the body is not JSON: ${error.message}`);
  }
}

function textOf(body, name, most) {
  const value = body?.[name];
  if (typeof value !== "string" || value.trim() === "") throw new Problem(422, `${name}: a text is needed`);
  if (value.length > most) throw new Problem(422, `${name}: at most ${most} characters`);
  if (value.includes("\0")) throw new Problem(422, `${name}: PostgreSQL stores no NUL`);
  return value;
}

function idOf(text) {
  if (!UUID.test(text)) throw new Problem(404, "not found");
  return text;
}

/** What is promised, or an error after so many milliseconds. */
async function within(most, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${most / 1000} s`)), most);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function trouble(ask) {
  try {
    await ask();
    return "ok";
  } catch (error) {
    return reasonOf(error);
  }
}

function reasonOf(error) {
  const reason = error.cause?.message || error.cause?.code || error.message || error.code || error.name;
  return String(reason).trim().split("\n").at(-1).replace(/\.$/, "");
}
