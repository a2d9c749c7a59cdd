import { useState } from "react";

import { workflows } from "./api";
import { Connection } from "./Connection";
import { Runs } from "./Runs";
import { usePolled } from "./usePolled";
import { Workflows } from "./Workflows";

export function App() {
  const polled = usePolled(workflows, 5_000);
  // In the address, so that a reload or a link shows the same workflow.
  const [chosen, setChosen] = useState(location.hash.slice(1));
  const shown = polled.data?.items.find((one) => one.id === chosen) ?? polled.data?.items[0];

  function choose(id: string) {
    history.replaceState(null, "", `#${id}`);
    setChosen(id);
  }

  return (
    <>
      <header>
        <h1>Agent platform</h1>
        <Connection />
      </header>
      <main>
        <Workflows polled={polled} selected={shown?.id ?? null} onSelect={choose} />
        <div className="details">{shown && <Runs key={shown.id} workflow={shown} />}</div>
      </main>
    </>
  );
}
