"""What an import did, and what it left where it was, with the reason."""

from __future__ import annotations

from dataclasses import dataclass, field

from accounts.audit import MASK, SECRET


@dataclass
class Report:
    """Phrases for people.

    made, replaced  what is here now: `host "far"`
    unchanged       how many things were here already, just so
    kept            what stands in the files and has no effect here yet, or another form: (place, reason)
    """

    made: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    unchanged: int = 0
    kept: list[tuple[str, str]] = field(default_factory=list)

    def keep(self, file: str, key: str, value: object, reason: str) -> None:
        """Tell of a value that stays in its file. What may be secret is not repeated."""
        shown = MASK if SECRET.search(key) or key == "connection_string" else f"{value}"
        self.kept.append((f"{file}: {key}: {shown[:200]}", reason))

    def lines(self) -> list[str]:
        """All of it, a line for each thing."""
        return [
            *(f"Made {name}." for name in self.made),
            *(f"Replaced {name}." for name in self.replaced),
            *([f"{self.unchanged} things are here already, just so."] if self.unchanged else []),
            *(f"Left in {place} ({reason})" for place, reason in self.kept),
        ]
