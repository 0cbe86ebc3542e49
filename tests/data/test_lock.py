"""The lock: one writer at a time, for as long as it lives."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data.lock import LockedError, UnwritableError, holder, locked

HOLD = "import sys, time, pathlib; from data.lock import locked\nwith locked(pathlib.Path(sys.argv[1]), 'ganfit run'):"
HOLD += "\n    print('held', flush=True); time.sleep(60)"


@pytest.fixture
def other(tmp_path: Path) -> subprocess.Popen[str]:
    """Another process that holds the folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_writer_is_told_who_the_first_is(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    message = rf"in use by `ganfit run` \(process {other.pid} on .*since 20"
    with pytest.raises(LockedError, match=message) as error, locked(tmp_path, "another"):
        pass
    assert "\n" not in str(error.value)
    assert str(other.pid) in str(holder(tmp_path))


def test_the_lock_ends_with_a_killed_process(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    other.send_signal(signal.SIGKILL)
    other.wait()
    started = time.monotonic()
    with locked(tmp_path, "another"):
        assert time.monotonic() - started < 1


def test_nobody_holds_a_folder_before_and_after(tmp_path: Path) -> None:
    assert holder(tmp_path / "out") is None
    with locked(tmp_path / "out", "ganfit run"):
        pass
    assert holder(tmp_path / "out") is None
    with locked(tmp_path / "out", "ganfit run"):
        pass


def test_a_folder_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    message = "results cannot be written to .*file/out: Not a directory"
    with pytest.raises(UnwritableError, match=message), locked(tmp_path / "file" / "out", "ganfit run"):
        pass
