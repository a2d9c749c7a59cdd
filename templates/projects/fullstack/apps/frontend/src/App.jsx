import { useCallback, useEffect, useState } from "react";

async function call(path, options) {
  const response = await fetch(`/api${path}`, options);
  if (!response.ok) {
    throw new Error(`${path} answered ${response.status}`);
  }
  return response.json();
}

export default function App() {
  const [connected, setConnected] = useState(null);
  const [items, setItems] = useState([]);
  const [title, setTitle] = useState("");
  const [error, setError] = useState("");

  const load = useCallback(async () => {
    try {
      const health = await call("/healthz");
      setConnected(health.status === "healthy");
      setItems(await call("/items"));
      setError("");
    } catch (failure) {
      setConnected(false);
      setError(failure.message);
    }
  }, []);

  useEffect(() => {
    load();
  }, [load]);

  async function add(event) {
    event.preventDefault();
    try {
      await call("/items", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ title }),
      });
      setTitle("");
      await load();
    } catch (failure) {
      setError(failure.message);
    }
  }

  return (
    <main>
      <p role="status">
        {connected === null ? "Connecting…" : connected ? "Connected!" : "Not connected"}
      </p>
      {error && <p role="alert">{error}</p>}
      <form onSubmit={add}>
        <label>
          New item <input value={title} onChange={(event) => setTitle(event.target.value)} required maxLength={200} />
        </label>
        <button type="submit">Add</button>
      </form>
      <ul>
        {items.map((item) => (
          <li key={item.id}>{item.title}</li>
        ))}
      </ul>
    </main>
  );
}
