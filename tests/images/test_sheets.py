import numpy as np

from zoo.images.sheets import make_sheet


def test_every_picture_is_in_its_place():
    images = np.linspace(-1, 1, 5)[:, None, None, None] * np.ones([5, 4, 3, 1])
    sheet = make_sheet(images)
    assert sheet.shape == (2 * 6 - 2, 3 * 5 - 2, 3)
    for i, value in enumerate([0, 64, 128, 191, 255]):
        top, left = i // 3 * 6, i % 3 * 5
        assert np.all(np.abs(sheet[top : top + 4, left : left + 3].astype(int) - value) <= 1)
    assert np.all(sheet[6:, 10:] == 255)
    assert np.all(sheet[4:6] == 255)


def test_values_beyond_are_clipped():
    sheet = make_sheet(np.array([-3.0, 5.0])[:, None, None, None] * np.ones([2, 2, 2, 3]), columns=2)
    assert (sheet[0, 0].tolist(), sheet[0, -1].tolist()) == ([0] * 3, [255] * 3)
