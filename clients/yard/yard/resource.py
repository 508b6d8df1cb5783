"""What all things with a name have in common: they are listed, shown, made, changed and removed alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from yard.failures import Usage
from yard.names import Names
from yard.options import check_text
from yard.printing import Column
from yard.session import Session
from yard.site import part
from yard.verb import verb


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of thing: its noun, where the API has it, what a list shows, and what completes its names.

    label  the key that holds the name
    """

    noun: str
    path: str
    columns: Sequence[Column]
    names: Names
    label: str = "name"

    def at(self, name: str) -> str:
        check_text(name)
        return f"{self.path}/{part(name)}"

    def argument(self) -> Any:
        """The annotation of its name on the command line."""
        return Annotated[str, typer.Argument(metavar=self.noun.upper().replace(" ", "_"), autocompletion=self.names)]

    def register(self, app: typer.Typer, *, example: str, is_forced: bool = False) -> None:
        """Add `list`, `view` and `delete`. `example` is the name of one."""
        word = self.noun.replace("job type", "type")
        verb(app, "list", example=f"yard {word} list", help=f"List all {self.noun}s.")(self._list())
        verb(app, "view", example=f"yard {word} view {example}", help=f"Show one {self.noun}.")(self._view())
        deletion = self._delete_forced() if is_forced else self._delete()
        lines = f"yard {word} delete {example}" + (f"\nyard {word} delete {example} --force" if is_forced else "")
        verb(app, "delete", example=lines, help=f"Remove a {self.noun}, unless something needs it.")(deletion)

    def _list(self) -> Callable[..., None]:
        def listed(session: Session) -> None:
            rows = list(session.site.pages(self.path))
            session.out.answer(
                {"results": rows},
                lambda: session.out.table(self.columns, rows, empty=f"There is no {self.noun}."),
            )

        return listed

    def _view(self) -> Callable[..., None]:
        def view(session: Session, name: str) -> None:
            self.show(session, session.site.get(self.at(name)))

        return self._named(view)

    def _delete(self) -> Callable[..., None]:
        def delete(session: Session, name: str) -> None:
            session.site.delete(self.at(name))
            self.told(session, {self.label: name, "deleted": True}, f'The {self.noun} "{name}" is removed.')

        return self._named(delete)

    def _delete_forced(self) -> Callable[..., None]:
        def delete(
            session: Session,
            name: str,
            force: Annotated[
                bool, typer.Option("--force", "-f", help="With what needs it, unless a job of that runs.")
            ] = False,
        ) -> None:
            session.site.delete(self.at(name), **({"forced": "true"} if force else {}))
            self.told(session, {self.label: name, "deleted": True}, f'The {self.noun} "{name}" is removed.')

        return self._named(delete)

    def _named(self, function: Callable[..., None]) -> Callable[..., None]:
        function.__annotations__["name"] = self.argument()
        return function

    def show(self, session: Session, row: Mapping[str, Any]) -> None:
        """All of one thing; texts of several lines stand below."""
        long = {key: value for key, value in row.items() if isinstance(value, str) and "\n" in value.strip()}

        def text() -> None:
            session.out.record((key, value) for key, value in row.items() if key not in long)
            for key, value in long.items():
                session.out.write(f"{key}:\n")
                for line in value.splitlines():
                    session.out.line(f"  {line}")

        session.out.answer(row, text)

    def told(self, session: Session, row: Mapping[str, Any], text: str) -> None:
        session.out.answer(row, lambda: session.out.line(text))

    def add(self, session: Session, name: str, body: Mapping[str, Any]) -> None:
        """Make one."""
        row = session.site.post(self.path, {**given(body), self.label: name}).json
        self.told(session, row, f'The {self.noun} "{name}" is made.')

    def update(self, session: Session, name: str, body: Mapping[str, Any]) -> None:
        """Change what is given. Raises Usage if nothing is."""
        changes = given(body)
        if not changes:
            raise Usage("Nothing is to be changed.", hint="See --help for what can be.")
        row = session.site.patch(self.at(name), changes)
        self.told(session, row, f'The {self.noun} "{name}" is changed.')


def given(body: Mapping[str, Any]) -> dict[str, Any]:
    """What was given at all. "*" takes a value away."""
    check_text(*(value for value in body.values() if isinstance(value, str)))
    return {key: None if value == "*" else value for key, value in body.items() if value is not None}
