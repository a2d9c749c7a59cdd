import { API_URL, health } from "./api";
import { usePolled } from "./usePolled";

/** Asked often, so that the page says within a moment that something is gone, or back. */
const EVERY = 2_000;

export function Connection() {
  const { data, error } = usePolled(health, EVERY);

  if (error !== null) {
    return (
      <Pill state="bad" text="Not connected">
        {error}. Is the backend up? <code>devstack status</code> tells; the page tries again by
        itself.
      </Pill>
    );
  }
  if (data === null) return <Pill state="waiting" text="Connecting…" />;
  if (data.status !== "healthy") {
    return (
      <Pill state="bad" text="No database">
        The backend at {API_URL} answers, but its database does not:{" "}
        {data.reason ?? "no reason given"}.
      </Pill>
    );
  }
  return <Pill state="good" text="Connected!" />;
}

type PillProps = {
  state: "good" | "bad" | "waiting";
  text: string;
  children?: React.ReactNode;
};

function Pill({ state, text, children }: PillProps) {
  return (
    <div className="connection" role="status">
      <span className={`pill ${state}`}>{text}</span>
      {children && <p className="trouble">{children}</p>}
    </div>
  );
}
