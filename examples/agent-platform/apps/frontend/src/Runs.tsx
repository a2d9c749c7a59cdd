import { useCallback, useState } from "react";

import { ApiError, endRun, runsOf, startRun, type Run, type RunStatus, type Workflow } from "./api";
import { Events } from "./Events";
import { usePolled } from "./usePolled";

export function Runs({ workflow }: { workflow: Workflow }) {
  const load = useCallback((signal: AbortSignal) => runsOf(workflow.id, signal), [workflow.id]);
  const { data, error, reload } = usePolled(load, 3_000);
  const [chosen, setChosen] = useState<string | null>(null);
  const [refused, setRefused] = useState<string | null>(null);
  const shown = data?.items.find((run) => run.id === chosen) ?? data?.items[0];

  async function act(work: () => Promise<Run>) {
    setRefused(null);
    try {
      setChosen((await work()).id);
    } catch (problem) {
      if (!(problem instanceof ApiError)) throw problem;
      setRefused(problem.message);
    }
    reload();
  }

  const end = (run: Run, status: RunStatus) => void act(() => endRun(run.id, status));

  return (
    <>
      <section className="card" aria-labelledby="runs-title">
        <div className="row">
          <h2 id="runs-title">
            Runs of {workflow.name} {data && <span className="count">{data.total}</span>}
          </h2>
          <button
            type="button"
            className="primary"
            onClick={() => void act(() => startRun(workflow.id))}
          >
            Start a run
          </button>
        </div>
        {(refused ?? error) && <p role="alert">{refused ?? error}</p>}
        {data?.total === 0 && <p className="empty">This workflow has not run yet.</p>}
        <ul className="choices">
          {data?.items.map((run) => (
            <li key={run.id} className="row">
              <button
                type="button"
                aria-current={run.id === shown?.id}
                onClick={() => setChosen(run.id)}
              >
                <span className={`status ${run.status}`}>{run.status}</span>
                <code>{run.id.slice(0, 8)}</code>
                <time dateTime={run.started_at}>{new Date(run.started_at).toLocaleString()}</time>
              </button>
              {run.status === "running" && (
                <span className="actions">
                  <button type="button" onClick={() => end(run, "completed")}>
                    Complete
                  </button>
                  <button type="button" onClick={() => end(run, "failed")}>
                    Fail
                  </button>
                </span>
              )}
            </li>
          ))}
        </ul>
      </section>
      {/* The status is part of the key: the end of a run shows its last event at once. */}
      {shown && <Events key={`${shown.id} ${shown.status}`} run={shown} />}
    </>
  );
}
