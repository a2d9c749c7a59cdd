"""What the tests prove, for `devstack verify`: run once, asked many times.

    python tests/proof.py                                   runs all, and keeps the result
    python tests/proof.py contract/test_runs_get.py [WORD]  did those of a file (with WORD) pass?

Exit 0 only where there are such tests and all of them have passed.
"""

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as Xml
from pathlib import Path

HERE = Path(__file__).parent
KEPT = Path(tempfile.gettempdir()) / "workflow-history-tests.xml"


def run(*files: str) -> int:
    words = [sys.executable, "-m", "pytest", "-q", f"--junitxml={KEPT}", *files]
    return subprocess.run(words, cwd=HERE.parent, check=False).returncode


def told(file: str, words: "list[str]") -> int:
    """What the last run said about the tests of a file, or of a folder."""
    if not KEPT.exists():
        run(str(HERE / file))
    module = f"tests.{file.removesuffix('.py').replace('/', '.')}"
    cases = [
        case
        for case in Xml.parse(KEPT).iter("testcase")
        if f"{case.get('classname')}.".startswith(f"{module}.")
        and (not words or any(word in str(case.get("name")) for word in words))
    ]
    bad = [case for case in cases if list(case.iterfind("*"))]
    for case in bad:
        print(f"not passed: {case.get('name')}")
    print(
        f"{len(cases) - len(bad)} of {len(cases)} tests passed in {file} {' '.join(words)}".strip()
    )
    return 1 if bad or not cases else 0


if __name__ == "__main__":
    sys.exit(told(sys.argv[1], sys.argv[2:]) if sys.argv[1:] else run())
