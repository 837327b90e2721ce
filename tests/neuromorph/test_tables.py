import csv
import io
import sys

import pytest

from neuromorph.tables import Table

TABLE = Table("what", ("name", "value"), (("a, b", 0.1), ('"c"', -2)))


def test_csv_is_read_back():
    assert list(csv.reader(io.StringIO(TABLE.csv()))) == [["name", "value"], ["a, b", "0.1"], ['"c"', "-2"]]


def test_text_is_aligned():
    assert TABLE.text().splitlines() == ["name  value", "a, b  0.1", '"c"   -2']


def test_pandas_where_it_is_installed():
    pandas = pytest.importorskip("pandas")
    assert TABLE.to_pandas().equals(pandas.DataFrame({"name": ["a, b", '"c"'], "value": [0.1, -2]}))


def test_a_sentence_without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas, or write the CSV"):
        TABLE.to_pandas()
