"""Which tasks a run chooses by their tags, and the variables by which a task may ask what was chosen."""

from collections.abc import Iterable
from dataclasses import dataclass

HOSTS_OF_RUN = frozenset({"play_hosts", "ansible_play_hosts", "ansible_play_hosts_all", "ansible_play_batch", "ansible_limit"})
TAGS_OF_RUN = frozenset({"ansible_run_tags", "ansible_skip_tags"})
"""Variables whose value a choice of hosts (--limit), or of tags, decides."""
SPECIAL_TAGS = frozenset({"always", "never", "tagged", "untagged", "all"})


@dataclass(frozen=True, slots=True)
class Tags:
    """`--tags` and `--skip-tags`, with Ansible's words always, never, tagged, untagged, all."""

    only: frozenset[str] = frozenset({"all"})
    skip: frozenset[str] = frozenset()

    @property
    def are_all(self) -> bool:
        """Whether they leave nothing out but what `never` does."""
        return self == Tags()

    @classmethod
    def of(cls, only: Iterable[str] = (), skip: Iterable[str] = ()) -> "Tags":
        """From the arguments of the command line, each perhaps several tags with commas."""
        chosen, skipped = ([t.strip() for a in given for t in a.split(",")] for given in (only, skip))
        return cls(frozenset(chosen or {"all"}) - {""}, frozenset(skipped) - {""})

    def unknown(self, known: frozenset[str]) -> list[str]:
        """Those that no task has."""
        return sorted((self.only | self.skip) - known - SPECIAL_TAGS)

    def selects(self, tags: frozenset[str]) -> bool:
        """Whether a task with these tags belongs to the run."""
        own = tags or frozenset({"untagged"})
        wanted = ("always" in own or not own.isdisjoint(self.only)
                  or ("never" not in own and ("all" in self.only or ("tagged" in self.only and bool(tags)))))
        if "all" in self.skip:
            return wanted and "always" in own and "always" not in self.skip
        return wanted and own.isdisjoint(self.skip) and not ("tagged" in self.skip and tags)


ANY_TAGS = Tags(frozenset({"all", "never"}))
"""What some choice of tags selects: every task."""
