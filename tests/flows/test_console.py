"""What every command waits for, where its log goes, and what it says when it ends early."""

from __future__ import annotations

import errno
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from flows.console import ANEW, RESUME, failures_logged_to, guarded
from tests.flows.test_bad_input import ganfit

logger = logging.getLogger("tasks.anything")


class Heard(logging.Handler):
    """Keeps messages."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@pytest.fixture
def terminal() -> Iterator[Heard]:
    """The root logger's handler, as Prefect's, which prints whatever reaches it."""
    handler = Heard()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


def test_the_commands_are_known_without_what_takes_seconds_to_import() -> None:
    code = (
        "import sys, flows.cli; sys.exit(' '.join({'torch', 'prefect', 'numpy', 'pandas'} & sys.modules.keys()) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr == ""


def test_stack_traces_and_warnings_go_to_the_file_and_not_to_the_terminal(tmp_path: Path, terminal: Heard) -> None:
    with failures_logged_to(tmp_path / "run.log"):
        try:
            raise ValueError("no such pixel")
        except ValueError:
            logger.debug("a.jpg: failed", exc_info=True)
        logger.warning("b.jpg is odd")
    written = (tmp_path / "run.log").read_text()
    assert "ValueError: no such pixel" in written
    assert "b.jpg is odd" in written
    assert terminal.messages == []


def test_without_failures_there_is_no_file(tmp_path: Path) -> None:
    with failures_logged_to(tmp_path / "run.log"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_afterwards_the_logger_is_as_it_was(tmp_path: Path, terminal: Heard) -> None:
    tasks = logging.getLogger("tasks")
    before = tasks.level, tasks.propagate, list(tasks.handlers)
    with pytest.raises(KeyError), failures_logged_to(tmp_path / "run.log"):
        raise KeyError
    assert (tasks.level, tasks.propagate, list(tasks.handlers)) == before
    logger.warning("heard again")
    assert terminal.messages == ["heard again"]


def test_handlers_of_others_go_on(tmp_path: Path) -> None:
    server = Heard()
    logging.getLogger("tasks").addHandler(server)
    try:
        with failures_logged_to(tmp_path / "run.log"):
            logger.warning("b.jpg is odd")
    finally:
        logging.getLogger("tasks").removeHandler(server)
    assert server.messages == ["b.jpg is odd"]


@pytest.mark.parametrize("path", ["/dev/full", "/proc/nowhere/run.log"])
def test_a_log_that_cannot_be_written_says_nothing(path: str, capfd: pytest.CaptureFixture[str]) -> None:
    with failures_logged_to(Path(path)):
        logger.warning("b.jpg is odd")
        logger.warning("c.jpg is odd")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("afterwards", [RESUME, ANEW])
def test_who_interrupts_hears_what_the_same_command_will_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], afterwards: str
) -> None:
    with pytest.raises(SystemExit) as raised, guarded(tmp_path, afterwards):
        raise KeyboardInterrupt
    assert raised.value.code == 130
    assert capsys.readouterr().err.strip() == f"ganfit: interrupted; {afterwards}"


def test_a_full_disk_is_told_in_one_line_and_a_log_named_only_where_there_is_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "error.log").mkdir()  # as on a full disk, nothing is written there
    with pytest.raises(SystemExit) as raised, guarded(tmp_path, RESUME):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert raised.value.code == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line == f"ganfit: stopped: [Errno 28] No space left on device; {RESUME}, once that is mended"


@pytest.mark.parametrize(("command", "said"), [(["run"], RESUME), (["run", "--again"], ANEW), (["fit"], ANEW)])
def test_only_a_run_of_what_is_missing_says_that_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], said: str
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    monkeypatch.setattr("tasks.models.load_models", lambda *arguments: None)
    for module in ("cli", "cli_run"):
        monkeypatch.setattr(f"flows.{module}.recorded_if_served", lambda flow: interrupted)
    result = ganfit(*command, tmp_path / "a.jpg", "--out", tmp_path / "out")
    assert (result.exit_code, result.output.splitlines()[-1]) == (130, f"ganfit: interrupted; {said}")


def interrupted(*arguments: object, **options: object) -> None:
    """A flow that somebody ends."""
    raise KeyboardInterrupt


def test_a_lost_server_is_a_line_that_says_how_to_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught, guarded(tmp_path, RESUME):
        raise httpx.ConnectError("[Errno 111] Connection refused")
    assert caught.value.code == 1
    assert "the same command goes on, also without a server" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "error.log").exists()
