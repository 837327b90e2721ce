import numpy as np
import pytest

from neuromorph.learners.brader import BraderConfig, BraderLearner
from neuromorph.local_rule.contours import NEIGHBOURS, contours, count


def test_contours_follow_their_definition_pixel_by_pixel():
    images = np.random.default_rng(0).random((3, 5, 5))
    padded = np.pad(images > 0.5, ((0, 0), (2, 2), (2, 2)))
    wanted = [
        any(padded[k, y + 2, x + 2] and not padded[k, y + 2 + dy, x + 2 + dx]
            for y in range(r - 1, r + 2) for x in range(c - 1, c + 2) if 0 <= y < 5 and 0 <= x < 5)
        for k in range(3) for dy, dx in NEIGHBOURS for r in range(0, 5, 2) for c in range(0, 5, 2)
    ]  # fmt: skip
    found = contours(images.reshape(3, 25))
    assert found.shape == (3, count(25))
    np.testing.assert_array_equal(found.ravel(), wanted)


def test_a_vertical_edge_faces_one_way():
    image = np.zeros((1, 8, 8))
    image[0, :, :4] = 1  # on at the left, so only the neighbours to the right are off inside the image
    by_side = contours(image.reshape(1, 64)).reshape(8, 4, 4)
    inside = by_side[:, 1:3, 2]
    assert [bool(side.all()) for side in inside] == [dx == 1 for _, dx in NEIGHBOURS]


def test_images_that_are_not_square_are_refused():
    with pytest.raises(ValueError, match="contours need square images, got 15 pixels"):
        BraderLearner(15, 3, BraderConfig(levels=(), off_levels=(), contours=True))


def test_contours_alone_are_an_input_code():
    learner = BraderLearner(16, 3, BraderConfig(levels=(), off_levels=(), contours=True, units_per_class=2))
    x = np.random.default_rng(1).random((2, 16), np.float32)
    np.testing.assert_array_equal(learner.encode(x) == learner.config.high, contours(x))
    assert learner.state.shape == (count(16), 6)
