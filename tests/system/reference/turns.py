# SPDX-License-Identifier: Apache-2.0
"""Who is ready, and whose turn it is (R10, R11): vmm-c/core/ready.h says the rules."""

from typing import Self

from attrs import define, evolve, field


@define
class Turns:
    """Members with priorities, 0 the most urgent; of each level one ready member holds the turn."""

    priority: dict[int, int] = field(factory=dict)
    ready: frozenset[int] = frozenset()
    holder: dict[int, int] = field(factory=dict)  # by level

    def copy(self) -> Self:
        return evolve(self, priority=dict(self.priority), holder=dict(self.holder))

    def next(self) -> int | None:
        """The member that runs."""
        levels = [self.priority[member] for member in self.ready]
        return self.holder[min(levels)] if levels else None

    def add(self, member: int, priority: int) -> None:
        self.priority[member] = priority

    def remove(self, member: int) -> None:
        self.clear(member)
        self.priority.pop(member, None)

    def set(self, member: int) -> None:
        self.ready |= {member}
        self.holder.setdefault(self.priority[member], member)

    def clear(self, member: int) -> None:
        if member in self.ready:
            self.rotate(member)
            self.ready -= {member}
            if self.holder.get(self.priority[member]) == member:
                del self.holder[self.priority[member]]

    def change(self, member: int, priority: int) -> None:
        was_ready = member in self.ready
        self.remove(member)
        self.add(member, priority)
        if was_ready:
            self.set(member)

    def rotate(self, member: int) -> None:
        """Pass the turn on, if the member holds it: in rising order, after the last comes the first."""
        level = self.priority.get(member)
        if level is None or self.holder.get(level) != member:
            return
        others = sorted(m for m in self.ready if self.priority[m] == level and m != member)
        if others:
            self.holder[level] = next((m for m in others if m > member), others[0])
