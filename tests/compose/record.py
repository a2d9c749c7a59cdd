"""Makes the answers of the corpus anew with the Compose binary: `python -m tests.compose.record`.

With `--missing` only those of cases that have none yet; the others stay as they are.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.compose.cases import CORPUS, Case, cases, compose_is_there, stored


def answers(tmp: Path, known: Mapping[str, dict[str, Any]] | None = None) -> dict[str, tuple[Case, dict[str, Any]]]:
    """Compose's answer to every case, by name; what is `known` is not asked for again."""
    everything = list(cases())
    kept = known or {}
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda case: kept.get(case.name) or case.answer(case.place(tmp)), everything)
        return {case.name: (case, answer) for case, answer in zip(everything, found, strict=True)}


def main() -> int:
    if not compose_is_there():
        print("docker compose 2.40 is needed", file=sys.stderr)
        return 1
    known = stored() if "--missing" in sys.argv else {}
    topics: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (case, answer) in answers(Path(folder), known).items():
            if case.folder is not None:
                (case.folder / "expected.json").write_text(json.dumps(answer, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
            else:
                topic, _, title = name.partition(": ")
                topics.setdefault(topic, {})[title] = answer
    for topic, found in topics.items():
        lines = ",\n".join(f"{json.dumps(title)}: {json.dumps(answer, sort_keys=True)}" for title, answer in found.items())
        (CORPUS / f"{topic}.answers.json").write_text(f"{{\n{lines}\n}}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
