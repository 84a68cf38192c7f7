import math

import numpy as np
import pytest

from edge_runtime.scenes.pinhole import Pinhole, Pose


def test_what_lies_on_the_optical_axis_is_in_the_middle():
    camera = Pinhole(Pose(1.0, 2.0, 5.0, yaw=0.0, pitch=45.0, fov=60.0), 200, 100)
    pixels, depth = camera.project(np.array([[1.0, 7.0, 0.0]]))
    assert pixels[0] == pytest.approx([100, 50])
    assert depth[0] == pytest.approx(math.sqrt(50))


def test_right_is_right_and_up_is_up():
    camera = Pinhole(Pose(0.0, 0.0, 2.0, yaw=0.0, pitch=0.0, fov=90.0), 200, 100)
    pixels, _ = camera.project(np.array([[1.0, 10.0, 2.0], [0.0, 10.0, 3.0]]))
    # A field of view of 90 degrees has a focal length of half the width: 100 pixels.
    assert pixels[0] == pytest.approx([110, 50])
    assert pixels[1] == pytest.approx([100, 40])


def test_turning_right_moves_things_left():
    camera = Pinhole(Pose(0.0, 0.0, 2.0, yaw=10.0, pitch=0.0, fov=90.0), 200, 100)
    pixels, _ = camera.project(np.array([[0.0, 10.0, 2.0]]))
    assert pixels[0, 0] == pytest.approx(100 - 100 * math.tan(math.radians(10)))


def test_the_ground_homography_agrees_with_projection():
    camera = Pinhole(Pose(3.0, -2.0, 6.0, yaw=20.0, pitch=15.0, fov=62.0), 480, 270)
    ground = np.array([(-4.0, 12.0), (9.0, 30.0), (0.5, 8.0)])
    mapped = np.column_stack([ground, np.ones(3)]) @ camera.ground_homography().T
    projected, _ = camera.project(np.column_stack([ground, np.zeros(3)]))
    assert mapped[:, :2] / mapped[:, 2:] == pytest.approx(projected)


def test_a_ray_leads_back_to_the_pixel_it_came_from():
    camera = Pinhole(Pose(3.0, -2.0, 6.0, yaw=-25.0, pitch=15.0, fov=62.0), 48, 27)
    pixels, depth = camera.project((camera.position + 12.0 * camera.rays()[20, 7])[None])
    assert pixels[0] == pytest.approx([7.5, 20.5])
    assert depth[0] == pytest.approx(12.0)
