import { useState } from "react";

import { ApiError, createWorkflow, type Page, type Workflow } from "./api";
import type { Polled } from "./usePolled";

type Props = {
  polled: Polled<Page<Workflow>>;
  selected: string | null;
  onSelect: (id: string) => void;
};

export function Workflows({ polled, selected, onSelect }: Props) {
  const { data, error, reload } = polled;

  function created(workflow: Workflow) {
    reload();
    onSelect(workflow.id);
  }

  return (
    <section className="card" aria-labelledby="workflows-title">
      <h2 id="workflows-title">
        Workflows {data && <span className="count">{data.total}</span>}
      </h2>
      <NewWorkflow onCreated={created} />
      {error && <p role="alert">{error}</p>}
      {data?.total === 0 && <p className="empty">None yet. Create the first one above.</p>}
      <ul className="choices">
        {data?.items.map((workflow) => (
          <li key={workflow.id}>
            <button
              type="button"
              aria-current={workflow.id === selected}
              onClick={() => onSelect(workflow.id)}
            >
              <span>{workflow.name}</span>
              <time dateTime={workflow.created_at}>
                {new Date(workflow.created_at).toLocaleDateString()}
              </time>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function NewWorkflow({ onCreated }: { onCreated: (workflow: Workflow) => void }) {
  const [name, setName] = useState("");
  const [definition, setDefinition] = useState('{"nodes": ["plan", "act"]}');
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  async function submit(event: React.FormEvent) {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      onCreated(await createWorkflow(name, parsed(definition)));
      setName("");
    } catch (problem) {
      if (!(problem instanceof ApiError)) throw problem;
      setError(problem.message);
    } finally {
      setBusy(false);
    }
  }

  return (
    <form onSubmit={submit}>
      <label>
        Name
        <input
          name="name"
          value={name}
          onChange={(event) => setName(event.target.value)}
          required
          maxLength={255}
          autoComplete="off"
        />
      </label>
      <label>
        Definition (JSON)
        <textarea
          name="definition"
          value={definition}
          onChange={(event) => setDefinition(event.target.value)}
          rows={3}
          spellCheck={false}
        />
      </label>
      {error && <p role="alert">{error}</p>}
      <button type="submit" className="primary" disabled={busy}>
        Create workflow
      </button>
    </form>
  );
}

function parsed(definition: string): unknown {
  try {
    return JSON.parse(definition || "{}");
  } catch (error) {
    throw new ApiError(`The definition is not JSON: ${(error as SyntaxError).message}`);
  }
}
