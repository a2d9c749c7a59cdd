import { useCallback } from "react";

import { eventsOf, type Run } from "./api";
import { usePolled } from "./usePolled";

export function Events({ run }: { run: Run }) {
  const load = useCallback((signal: AbortSignal) => eventsOf(run.id, signal), [run.id]);
  const { data, error } = usePolled(load, 3_000);

  return (
    <section className="card" aria-labelledby="events-title">
      <h2 id="events-title">
        Events of run <code>{run.id.slice(0, 8)}</code>{" "}
        {data && <span className="count">{data.total}</span>}
      </h2>
      {error && <p role="alert">{error}</p>}
      <ol className="events">
        {data?.items.map((event) => (
          <li key={event.id}>
            <time dateTime={event.timestamp}>{new Date(event.timestamp).toLocaleTimeString()}</time>
            <span className={`event ${event.event_type}`}>{event.event_type}</span>
            <span className="said">
              {event.message}
              {Object.keys(event.payload).length > 0 && <code>{inWords(event.payload)}</code>}
            </span>
          </li>
        ))}
      </ol>
      {data && data.total > data.items.length && (
        <p className="empty">
          The first {data.items.length} of {data.total}.
        </p>
      )}
    </section>
  );
}

/** `status=completed tokens_used=321`: it wraps between the pairs. */
function inWords(payload: Record<string, unknown>): string {
  return Object.entries(payload)
    .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
}
