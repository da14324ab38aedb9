"""A repository's history, read as Git tells it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from keywright.errors import Unusable
from keywright.scan import history
from keywright.scan.model import Part
from keywright.scan.run import scan_added
from tests.scan.planted import env, plant

KUCOIN, BINANCE = plant("kucoin"), plant("binance")

Git = Callable[..., str]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return tmp_path / "bot"


@pytest.fixture
def git(repository: Path) -> Git:
    repository.mkdir()
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]

    def run(*arguments: str) -> str:
        done = subprocess.run(
            ["git", *who, "-C", str(repository), *arguments], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    run("init", "-q", "-b", "main")
    return run


def commit(repository: Path, git: Git, name: str, text: str, message: str = "work") -> str:
    (repository / name).write_text(text)
    git("add", "-A")
    git("commit", "-q", "--allow-empty", "-m", message)
    return git("rev-parse", "HEAD")


def test_what_was_taken_out_again_is_found_where_it_came_first(repository: Path, git: Git) -> None:
    commit(repository, git, "bot.py", "import ccxt\n")
    culprit = commit(repository, git, "größe \t.env", "A=1\n" + env(KUCOIN))
    commit(repository, git, "größe \t.env", env(KUCOIN) + "B=2\n")
    commit(repository, git, "größe \t.env", "A=1\n")
    found = list(scan_added(history.history(repository)))
    assert {(one.commit, one.path) for one in found} == {(culprit, "größe \t.env")}
    assert [(one.hit.line, one.hit.part) for one in found] == [(3, Part.KEY), (4, Part.SECRET), (5, Part.PASSPHRASE)]


def test_branches_and_messages_and_merges_count(repository: Path, git: Git) -> None:
    commit(repository, git, "a.txt", "1\n2\n3\n")
    git("checkout", "-q", "-b", "other")
    commit(repository, git, "a.txt", "1\n2\n3\nother\n", f"bot runs\n\nBINANCE_API_KEY={BINANCE.key}")
    git("checkout", "-q", "main")
    commit(repository, git, "a.txt", "main\n1\n2\n3\n")
    git("merge", "-q", "--no-commit", "other")
    (repository / "a.txt").write_text(f"main\n1\nKUCOIN_API_KEY={KUCOIN.key}\n3\nother\n")  # by the merge alone
    git("commit", "-q", "-am", "merge")
    found = {(one.path, one.hit.exchange, one.hit.line) for one in scan_added(history.history(repository))}
    assert found == {("(message)", "binance", 3), ("a.txt", "kucoin", 3)}


def test_what_is_about_to_be_committed(repository: Path, git: Git) -> None:
    commit(repository, git, "old.env", env(BINANCE))
    (repository / "new.env").write_text(env(KUCOIN))
    assert list(scan_added(history.staged(repository))) == [], "not added yet"
    git("add", "new.env")
    assert {one.path for one in scan_added(history.staged(repository))} == {"new.env"}


def test_a_patch_inside_a_file_is_not_taken_for_one(repository: Path, git: Git) -> None:
    text = f"+++ b/elsewhere\n@@ -1 +9 @@\n+KUCOIN_API_KEY={KUCOIN.key}\n-- \n"
    commit(repository, git, "fix.patch", text)
    assert [(one.path, one.hit.line) for one in scan_added(history.history(repository))] == [("fix.patch", 3)]


def test_a_repository_runs_no_program_of_its_own(repository: Path, git: Git, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    commit(repository, git, ".gitattributes", "*.env diff=trap\n")
    for name in ("diff.trap.textconv", "diff.external", "core.fsmonitor", "core.pager"):
        git("config", name, f"touch {trap};")
    commit(repository, git, "a.env", env(KUCOIN))
    trap.unlink(missing_ok=True)  # of making the commit: what is asked of Git from here on is ours
    (repository / "b.env").write_text(env(BINANCE))
    subprocess.run(["git", "-c", "core.fsmonitor=false", "-C", str(repository), "add", "b.env"], check=True)
    assert history.commits(repository) == 2
    assert {one.path for one in scan_added(history.history(repository))} == {"a.env"}
    assert {one.path for one in scan_added(history.staged(repository))} == {"b.env"}
    assert not trap.exists()


def test_no_repository_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="not a git repository"):
        history.commits(tmp_path)
