import numpy as np
import pytest

from neuromorph.palette import COLOURS, DARK, PAPER, SUBSTRATES, contrast, dark, luminance, on, task_colours

# Vienot, Brettel & Mollon 1999: linear RGB as a protanope and a deuteranope see it.
EYES = {
    "protan": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
    "deutan": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
    "usual": np.eye(3),
}


def lab(colour, eye):
    """CIE Lab (D65) of "#rrggbb"."""
    rgb = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(EYES[eye]) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ seen
    f = np.cbrt(np.maximum(xyz / (0.9505, 1, 1.089), 1e-6))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("paper", [0, 1])
def test_substrates_are_told_apart_by_every_eye(eye, paper):
    """A difference of 10 in Lab is seen at a glance; a marker of its own helps besides."""
    colours = [colour if paper == 0 else DARK[colour] for colour, _ in SUBSTRATES.values()]
    seen = [lab(colour, eye) for colour in colours]
    assert min(np.linalg.norm(a - b) for k, a in enumerate(seen) for b in seen[:k]) > 10
    assert len({marker for _, marker in SUBSTRATES.values()}) == len(SUBSTRATES)


def test_contrast_is_that_of_the_formula():
    assert contrast("#ffffff", "#000000") == 21 and luminance("#000000") == 0
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the example that just fails for text
    assert on("#fde725") == "#000000" and on("#440154") == "#ffffff"


@pytest.mark.parametrize("tasks", [1, 8, 9, 20, 60])
def test_a_colour_a_task_on_both_papers(tasks):
    colours = task_colours(tasks)
    partners = dark(colours, tasks)
    assert len(set(colours)) == len(set(partners.values())) == tasks == len(colours)
    for light, partner in partners.items():
        assert contrast(light, PAPER[0]) >= 3 and contrast(partner, PAPER[1]) >= 3
    assert colours[: len(COLOURS)] == list(COLOURS)[:tasks] or tasks > len(COLOURS)
