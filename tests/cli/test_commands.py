"""The table of commands: each is where it says, under the name that is typed, and loaded alone."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from keywright.cli import main, vault
from keywright.cli.commands import Commands, Group


@pytest.mark.parametrize("table", [main.COMMANDS, vault.COMMANDS])
def test_each_command_is_where_the_table_says_under_its_name(table: Commands) -> None:
    assert [table[name].name for name in table] == list(table)
    assert all(isinstance(table[name], click.Command) for name in table)


def test_a_name_that_is_in_no_table_is_refused_in_the_usual_words() -> None:
    done = subprocess.run([sys.executable, "-m", "keywright", "exex"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "No such command 'exex'" in done.stderr


def test_a_command_is_loaded_without_the_others() -> None:
    program = (
        "import sys; from keywright.cli.main import run; run(['exec', '--help']); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stderr.split() if name.startswith("keywright.cli.")}
    ours = {"commands", "exec", "inherited", "main", "options", "terminal"}
    assert loaded == {f"keywright.cli.{name}" for name in ours}
    assert not {"asyncio", "cryptography", "sqlalchemy"} & set(done.stderr.split())


@pytest.mark.parametrize("width", [60, 100])
def test_help_says_the_whole_first_sentence_of_each_command(width: int) -> None:
    waiting: list[click.Command] = [main.cli]
    while waiting:
        group = waiting.pop()
        if isinstance(group, click.Group):
            assert isinstance(group, Group), group.name
            waiting += group.commands.values()
            with click.Context(group, info_name="keywright", terminal_width=width) as context:
                said = group.get_help(context)
            assert "..." not in said.partition("Commands:")[2]
            assert max(map(len, said.splitlines())) <= width
