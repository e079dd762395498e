"""The agents that tests are run against."""

KEY = "the-agents-key"
KINDS = {
    "new": (),
    "plain": ("--plain",),
    "old": ("--old",),
    "old-plain": ("--old", "--plain"),
    "keyed": ("--key", "X-Agent-Key"),
    "bearer": ("--bearer",),
    "old-keyed": ("--old", "--key", "X-Agent-Key"),
}
EVERY = ["new", "plain", "old", "old-plain"]
"""Of both eras, streaming and not."""
