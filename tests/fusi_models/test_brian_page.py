"""The examples of docs/your_synapse_in_brian2.md run and print what the page says, numbers within a tenth."""

import contextlib
import io
import re
from pathlib import Path

import brian2 as b2
import numpy as np
import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "your_synapse_in_brian2.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)
NUMBER = r"-?\d+\.?\d*"


@pytest.fixture(autouse=True)
def own_settings():
    target, stream = b2.prefs.codegen.target, np.random.get_state()
    yield
    b2.prefs.codegen.target = target
    np.random.set_state(stream)


@pytest.mark.parametrize("example", range(3))
def test_an_example_prints_what_the_page_says(example):
    code, shown = EXAMPLES[example]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "docs", "exec"), {"__name__": "docs"})
    printed = out.getvalue()
    assert re.sub(NUMBER, "", printed).split() == re.sub(NUMBER, "", shown).split()
    found, said = (np.array(re.findall(NUMBER, text), float) for text in (printed, shown))
    np.testing.assert_allclose(found, said, rtol=0.1, atol=0.1)
