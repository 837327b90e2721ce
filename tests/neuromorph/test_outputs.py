import os
import subprocess
import sys

import pytest

from neuromorph import outputs
from neuromorph.atomic import finite, read_json, replacing, write_json
from neuromorph.commands.main import main
from neuromorph.outputs import alone, check_file, check_files, check_foreign

SMALL = [
    "--tasks",
    "2",
    "--samples",
    "20",
    "--test-samples",
    "10",
    "--epochs",
    "1",
    "--hidden",
    "5",
    "--num-steps",
    "2",
]


def never(path):
    return False


def test_a_name_with_an_ending_is_taken_without_it(tmp_path):
    """Earlier --out curve.svg wrote curve.svg.json, curve.svg.csv and curve.svg.svg."""
    endings, keys = ("json", "csv", "svg"), ("arguments",)
    for name, kept in (("curve.svg", "curve"), ("curve", "curve"), ("m=1.5", "m=1.5"), ("a.svg.json", "a.svg")):
        assert check_files(tmp_path / name, endings, keys) == tmp_path / kept
    (tmp_path / "curve.csv").write_text("mine")
    with pytest.raises(ValueError, match="curve.csv exists and was not written"):
        check_files(tmp_path / "curve.svg", endings, keys)


def test_a_name_that_is_none_a_folder_or_somebodys_file_is_refused(tmp_path):
    (tmp_path / "mine").write_text("mine")
    for path, words in (
        (tmp_path, "is a folder"),
        (tmp_path / "mine", "was not written by this command"),
        ("", "no name"),
    ):
        with pytest.raises(ValueError, match=words):
            check_file(path, never)
    with pytest.raises(OSError, match="cannot be written .*choose another --out"):
        check_file(tmp_path / "mine/deeper", never)
    check_file(tmp_path / "mine", lambda path: True)
    check_file(tmp_path / "new/file", never)
    assert (tmp_path / "mine").read_text() == "mine" and (tmp_path / "new").is_dir()


def test_what_is_no_file_is_never_replaced(tmp_path):
    """--out /dev/null became a file of that name where the system allowed it."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="pipe is no file"), replacing(tmp_path / "pipe"):
        raise AssertionError("nothing is to be written")
    assert not (tmp_path / "pipe").is_file()


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["train", *SMALL], ["out"]),
        (["memory-curve", "--points", "2", "--last", "2"], ["out.csv", "out.svg", "out.json"]),
        (["memory-curve", "--points", "2", "--last", "2", "--lifetimes", "5"], ["out-lifetimes.csv"]),
        (["recall", "--neurons", "5", "--trials", "1", "--ages", "0"], ["out.json", "out.svg"]),
    ],
)
def test_no_command_overwrites_somebodys_file(words, names, tmp_path, capsys):
    for name in names:
        (tmp_path / name).write_text("mine")
        with pytest.raises(SystemExit) as end:
            main([*words, "--out", str(tmp_path / "out")])
        assert end.value.code == 2 and "was not written by this command" in capsys.readouterr().err
        assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]
        (tmp_path / name).unlink()


@pytest.mark.parametrize("name", ["results.json", "config.json", "report.html"])
def test_a_comparison_takes_no_folder_of_somebody(name, tmp_path, capsys):
    (tmp_path / name).write_text('{"mine": 1}')
    with pytest.raises(SystemExit) as end:
        main(["compare", "--substrates", "snntorch", *SMALL[:6], "--no-deep", "--out", str(tmp_path)])
    assert end.value.code == 2 and "was not written by this command" in capsys.readouterr().err
    assert [path.read_text() for path in tmp_path.iterdir()] == ['{"mine": 1}']


def test_a_folder_of_ours_is_known_by_its_marker(tmp_path):
    write_json(tmp_path / "config.json", {"arguments": {}})
    (tmp_path / "results.json").write_text("cut off")
    check_foreign(tmp_path, "config.json", ["arguments"], ["results.json"])


def test_a_second_run_waits_and_is_refused_and_a_killed_one_lets_go(tmp_path, monkeypatch):
    monkeypatch.setattr(outputs, "PATIENCE", 0.2)
    code = (
        "import pathlib, sys, time; from neuromorph.outputs import alone\n"
        "with alone(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    for path in (tmp_path / "file", tmp_path):
        other = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
        try:
            assert other.stdout.readline() == "held\n"
            with pytest.raises(OSError, match="is being written by another run"), alone(path):
                raise AssertionError
        finally:
            other.kill()
            other.communicate()
        with alone(path):
            pass
        assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named_by_the_file_that_was_to_be(tmp_path):
    with pytest.raises(OSError) as error, replacing(tmp_path / "a.json") as unfinished:
        raise OSError(28, "No space left on device", str(unfinished))
    assert error.value.filename == str(tmp_path / "a.json") and error.value.errno == 28
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"cells": 1}', "\xff"])
def test_json_that_is_damaged_or_another_file(text, tmp_path):
    (tmp_path / "a.json").write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match="a.json is .*get it again"):
        read_json(tmp_path / "a.json", ["rows"], "get it again")


def test_json_has_no_nan(tmp_path):
    nan, inf = float("nan"), float("inf")
    write_json(tmp_path / "a.json", finite({"a": nan, "b": [1.5, inf, {"c": (-inf, 2)}], "d": "nan"}))
    assert read_json(tmp_path / "a.json", ["a"], "") == {"a": None, "b": [1.5, None, {"c": [None, 2]}], "d": "nan"}


@pytest.mark.parametrize("name", ["a" * 240, "a" * 300, "deeper/" + "a" * 236 + ".pt"])
def test_a_name_that_is_too_long_for_what_is_written_beside_it_is_refused_first(name, tmp_path, capsys):
    """Earlier it was learned until the first checkpoint was to be written, under a longer name."""
    for words in (["train", *SMALL], ["memory-curve", "--points", "2", "--last", "2", "--models", "plain"]):
        with pytest.raises(SystemExit) as end:
            main([*words, "--out", str(tmp_path / name)])
        said = capsys.readouterr()
        assert end.value.code == 2 and "too long" in said.err and said.err.count("\n") == 1 and said.out == ""
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="a folder in which even root makes no file (Linux)")
def test_a_folder_is_tried_and_not_asked_whether_it_can_be_written(capsys):
    """Earlier a curve was computed and then not written."""
    for words in (["memory-curve", "--points", "2"], ["train", *SMALL], ["recall", "--neurons", "5"]):
        with pytest.raises(SystemExit) as end:
            main([*words, "--out", "/proc/result"])
        said = capsys.readouterr()
        assert (end.value.code, said.out) == (2, "") and "/proc cannot be written" in said.err
