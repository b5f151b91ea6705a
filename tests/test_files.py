"""Files are read whole or refused: what is no regular file is never waited for, and never read without an end."""

import os
import time
from pathlib import Path

import pytest

from ringfence import files
from ringfence.diagnostics import Problems
from ringfence.documents.yaml import read_text


def test_a_file_and_a_link_to_it_are_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("a")
    assert files.read_bytes(tmp_path / "link", 3) == b"abc"
    with pytest.raises(ValueError, match="more than 2 bytes"):
        files.read_bytes(tmp_path / "link", 2)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/tty", "/dev/stdin", "/dev/null"])
def test_devices_are_refused(device: str, tmp_path: Path) -> None:
    (tmp_path / "link.yml").symlink_to(device)
    problems, begun = Problems(), time.monotonic()
    assert read_text(tmp_path / "link.yml", problems) is None
    assert time.monotonic() - begun < 2
    assert len(problems.all) == 1
    assert "cannot be read" in str(problems.all[0])


def test_a_pipe_without_a_writer_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yml")
    problems, begun = Problems(), time.monotonic()
    assert read_text(tmp_path / "pipe.yml", problems) is None
    assert time.monotonic() - begun < 2
    assert "no regular file" in str(problems.all[0])


def test_a_password_may_come_from_a_pipe() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"secret\n")
    os.close(writer)
    try:
        assert files.read_bytes(f"/dev/fd/{reader}", 100, pipes=True) == b"secret\n"
    finally:
        os.close(reader)


def test_what_cannot_be_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="null"):
        files.read_bytes("a\0b", 100)


def test_the_size_is_that_of_what_is_read_and_not_what_the_system_says() -> None:
    """/proc says 0 of files that have a content."""
    with pytest.raises(ValueError, match="more than 4 bytes"):
        files.read_bytes("/proc/self/status", 4)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("old")
    file = files.WholeFile(tmp_path / "there")
    file.write("new\n")
    assert (tmp_path / "there").read_text() == "old"
    file.discard()
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("there", "old")]
    file = files.WholeFile(tmp_path / "there")
    file.write("é\n")
    file.close()
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("there", "é\n".encode())]


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
@pytest.mark.parametrize(("private", "mode"), [(True, 0o600), (False, 0o644)])
def test_who_may_read_what_is_written(private: bool, mode: int, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        file = files.WholeFile(tmp_path / "a", private=private)
        file.close()
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == mode


def test_what_is_no_unicode_is_an_error_unless_it_is_spelled_out(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        files.write_private(tmp_path / "a", ["\udcff"])
    assert not [*tmp_path.iterdir()]
    file = files.WholeFile(tmp_path / "a", errors="backslashreplace")
    file.write("\udcff")
    file.close()
    assert (tmp_path / "a").read_text() == "\\udcff"


def test_a_folder_is_no_place_for_a_file(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        files.WholeFile(tmp_path)
    with pytest.raises(FileNotFoundError):
        files.WholeFile(tmp_path / "none" / "a")
