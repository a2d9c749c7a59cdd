/** The backend's API: its types and one function per request. */

export const API_URL = (import.meta.env.VITE_API_URL || "http://localhost:8001").replace(/\/+$/, "");

export type Workflow = {
  id: string;
  name: string;
  definition: Record<string, unknown>;
  created_at: string;
  updated_at: string;
};

export type RunStatus = "running" | "completed" | "failed";

export type Run = {
  id: string;
  workflow_id: string;
  status: RunStatus;
  started_at: string;
  finished_at: string | null;
};

export type RunEvent = {
  id: number;
  event_type: string;
  message: string | null;
  payload: Record<string, unknown>;
  timestamp: string;
};

export type Page<Item> = { items: Item[]; total: number; limit: number; offset: number };

export type Health = { status: string; db: boolean; reason?: string };

/** What went wrong, in words to show. */
export class ApiError extends Error {}

async function ask(path: string, init?: RequestInit): Promise<Response> {
  try {
    return await fetch(`${API_URL}${path}`, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(`no answer from ${API_URL}`);
  }
}

async function json<Body>(path: string, init?: RequestInit): Promise<Body> {
  const response = await ask(path, init);
  const body = await response.json().catch(() => null);
  if (!response.ok) {
    throw new ApiError(body?.detail ?? `${response.status} ${response.statusText}`);
  }
  return body as Body;
}

function send<Body>(method: string, path: string, body: unknown): Promise<Body> {
  const headers = { "content-type": "application/json" };
  return json<Body>(path, { method, headers, body: JSON.stringify(body) });
}

/** Healthy or not, as the backend says; throws an ApiError when it says nothing. */
export async function health(signal: AbortSignal): Promise<Health> {
  const response = await ask("/healthz", { signal });
  const body: unknown = await response.json().catch(() => null);
  if (typeof body !== "object" || body === null || !("db" in body)) {
    throw new ApiError(`${API_URL}/healthz is not this backend's (${response.status})`);
  }
  return body as Health;
}

export const workflows = (signal: AbortSignal) =>
  json<Page<Workflow>>("/workflows?limit=100", { signal });

export const createWorkflow = (name: string, definition: unknown) =>
  send<Workflow>("POST", "/workflows", { name, definition });

export const runsOf = (workflow: string, signal: AbortSignal) =>
  json<Page<Run>>(`/runs?workflow_id=${workflow}&limit=50`, { signal });

export const startRun = (workflow: string) => send<Run>("POST", "/runs", { workflow_id: workflow });

export const endRun = (run: string, status: RunStatus) =>
  send<Run>("PATCH", `/runs/${run}`, { status });

export const eventsOf = (run: string, signal: AbortSignal) =>
  json<Page<RunEvent>>(`/runs/${run}/events?limit=200`, { signal });
