"""Fuzzes targets one after the other with atheris, each in a process of its own, and prints one line for each.

    python contrib/fuzz/run.py [--seconds 300] [--list] [--minimise] [TARGET …]

No target is all of them. What it learns stays in .cache/fuzz/TARGET; an input that fails is written there as `crash-*`,
`timeout-*` or `oom-*`, and the exit code is 1. `--minimise` puts a small choice of what was learnt into corpus/TARGET.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from random import Random

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LEARNT = ROOT / ".cache" / "fuzz"
INSIDE = "--inside"
"""A target and the fuzzer's own arguments follow."""
MOST, LARGEST = 24, 2000
"""Inputs of a kept corpus, and bytes of one."""
_DONE = re.compile(r"Done (\d+) runs|#(\d+)\s+DONE")
_COUNTED = re.compile(r"^#(\d+)\s.*cov: (\d+) ft: (\d+)", re.MULTILINE)
_FAILED = re.compile(r"Test unit written to (\S+)")
_LIMITS = ("-timeout=20", "-rss_limit_mb=2048", "-max_len=20000", "-len_control=0", "-print_final_stats=1")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--seconds", type=int, default=300, help="for each target")
    parser.add_argument("--list", action="store_true", help="only the names of the targets")
    parser.add_argument("--minimise", action="store_true", help="take what was learnt into the kept corpus")
    if sys.argv[1:2] == [INSIDE]:
        return inside(sys.argv[2], sys.argv[3:])
    options = parser.parse_args()
    names = options.targets or listed()
    if options.list:
        print("\n".join(names))
        return 0
    if options.minimise:
        for name in names:
            print(f"{name:28} {minimised(name)} inputs")
        return 0
    return max([fuzzed(name, options.seconds) for name in names])


def listed() -> list[str]:
    from targets import targets

    return sorted(targets())


def fuzzed(name: str, seconds: int) -> int:
    """1 where an input failed."""
    folder = LEARNT / name
    folder.mkdir(parents=True, exist_ok=True)
    known = [str(path) for path in (folder, HERE / "corpus" / name) if path.is_dir()]
    command = [sys.executable, __file__, INSIDE, name, *known, *_LIMITS, f"-max_total_time={seconds}"]
    ended = subprocess.run([*command, f"-artifact_prefix={folder}/"], capture_output=True, text=True, errors="replace")
    said = ended.stdout + ended.stderr
    counted = _COUNTED.findall(said)
    runs = max((int(one) for pair in _DONE.findall(said) for one in pair if one), default=0)
    runs = runs or int(counted[-1][0] if counted else 0)
    failed = _FAILED.findall(said)
    coverage = counted[-1][1:] if counted else ("?", "?")
    print(f"{name:28} {runs:9} runs  cov {coverage[0]}  ft {coverage[1]}  {'FAILED' if failed else 'ok'}", flush=True)
    if failed or ended.returncode:
        print(said[-4000:], flush=True)
        return 1
    return 0


def inside(name: str, arguments: list[str]) -> int:
    """One target under the fuzzer, in this process, which does not return."""
    import atheris

    dialects = [point.value for point in entry_points(group="gateway") if point.name.startswith("dialect-")]
    with atheris.instrument_imports(include=["gateway", *dialects]):
        import targets

        target = targets.targets()[name]
    atheris.Setup([sys.argv[0], *arguments], target, custom_mutator=mutator(atheris, name))
    atheris.Fuzz()
    return 0


def mutator(atheris: object, name: str) -> Callable[[bytes, int, int], bytes]:
    """The fuzzer's own mutations, and those that keep an input's outline."""
    from mutate import mutated

    kept = sorted((HERE / "corpus" / name).glob("*"))
    others = [path.read_bytes() for path in kept]

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        random = Random(seed)
        if random.random() < 0.35:
            return bytes(atheris.Mutate(data, len(data) + 64))[:most]  # type: ignore[attr-defined]
        return mutated(data, random, others)[:most]

    return mutate


def minimised(name: str) -> int:
    """The fewest inputs with all that was covered, the small ones first; how many are kept."""
    import hashlib

    merged = LEARNT / f"{name}.merged"
    merged.mkdir(parents=True, exist_ok=True)
    kept = HERE / "corpus" / name
    sources = [str(path) for path in (kept, LEARNT / name) if path.is_dir()]
    command = [sys.executable, __file__, INSIDE, name, "-merge=1", str(merged), *sources, "-timeout=20"]
    subprocess.run(command, capture_output=True, check=True)
    inputs = sorted((path.read_bytes() for path in merged.iterdir()), key=lambda data: (len(data), data))
    small = [data for data in inputs if len(data) <= LARGEST]
    step = max(len(small) / MOST, 1)
    chosen = {small[int(at * step)] for at in range(min(MOST, len(small)))}
    kept.mkdir(parents=True, exist_ok=True)
    for data in chosen:
        (kept / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    for path in merged.iterdir():
        path.unlink()
    merged.rmdir()
    return len(list(kept.iterdir()))


if __name__ == "__main__":
    sys.exit(main())
