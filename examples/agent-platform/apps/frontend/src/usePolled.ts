import { useCallback, useEffect, useState } from "react";

import { ApiError } from "./api";

export type Polled<Data> = {
  /** The newest answer; kept while a later request fails. */
  data: Data | null;
  /** Why the newest request failed; null when it did not. */
  error: string | null;
  /** Asks again at once. */
  reload: () => void;
};

/** Asks again and again, `every` milliseconds after each answer. `load` has to be stable. */
export function usePolled<Data>(
  load: (signal: AbortSignal) => Promise<Data>,
  every: number,
): Polled<Data> {
  const [state, setState] = useState<Omit<Polled<Data>, "reload">>({ data: null, error: null });
  const [asked, setAsked] = useState(0);
  const reload = useCallback(() => setAsked((times) => times + 1), []);

  // Another question: the answer to the last one must not stand under it.
  useEffect(() => setState({ data: null, error: null }), [load]);

  useEffect(() => {
    const abort = new AbortController();
    let timer: number | undefined;

    async function poll() {
      try {
        const data = await load(abort.signal);
        if (!abort.signal.aborted) setState({ data, error: null });
      } catch (error) {
        if (abort.signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        setState((before) => ({ ...before, error: error.message }));
      }
      if (!abort.signal.aborted) timer = window.setTimeout(poll, every);
    }

    void poll();
    return () => {
      abort.abort();
      window.clearTimeout(timer);
    };
  }, [load, every, asked]);

  return { ...state, reload };
}
