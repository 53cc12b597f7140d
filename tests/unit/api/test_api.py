"""The public interface: lazily imported, documented, and the same numbers as the products."""

from __future__ import annotations

import doctest
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from builders import SPHERE_DEG2
from paths import ROOT, SAMPLES

import sirenflow
from sirenflow import api

UPDATE = SAMPLES / "MS260418b-05-update.avro"


def test_package_offers_the_interface_lazily() -> None:
    assert set(sirenflow.__all__) == {*api.__all__, "__version__"}
    assert set(sirenflow.__all__) <= set(dir(sirenflow))
    for name in api.__all__:
        assert getattr(sirenflow, name) is getattr(api, name)
    packages = {path.stem for path in Path(str(sirenflow.__file__)).parent.iterdir()}
    assert not packages & set(api.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = sirenflow.nonsense


def test_import_of_the_package_loads_nothing_else() -> None:
    program = (
        "import sys; before = set(sys.modules); import sirenflow; sirenflow.__version__\n"
        "from sirenflow import errors\n"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not set(done.stdout.split()) & {"numpy", "astropy", "click", "fastavro", "snakemake"}


def test_every_name_is_documented_and_the_example_is_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    assert all(getattr(api, name).__doc__ for name in api.__all__)
    assert doctest.testmod(api) == doctest.TestResults(failed=0, attempted=5)


def test_path_and_bytes_are_the_same_alert_and_map(tmp_path: Path) -> None:
    alert = api.read_alert(UPDATE)
    assert api.read_alert(str(UPDATE)).identity == api.read_alert(UPDATE.read_bytes()).identity
    file = tmp_path / "map.fits"
    file.write_bytes(alert.maps[0].data)
    skymap = api.read_skymap(file)
    np.testing.assert_array_equal(skymap.uniq, api.read_skymap(alert.maps[0].data).uniq)


def test_errors_are_those_of_the_package() -> None:
    with pytest.raises(api.AlertError, match="expected an Avro container or a GCN JSON object"):
        api.read_alert(b"no alert")
    with pytest.raises(api.SkymapError):
        api.read_skymap(b"no map")


def test_area_of_the_region_is_the_measured_one() -> None:
    skymap = api.read_skymap(api.read_alert(UPDATE).maps[0].data)
    numbers = api.measure_skymap(skymap)
    assert api.credible_area_deg2(skymap, 0.9) == pytest.approx(numbers["area_90_deg2"], rel=1e-9)
    region = api.credible_region(skymap, 0.5)
    area = region.moc.sky_fraction * SPHERE_DEG2
    assert area == pytest.approx(numbers["area_50_deg2"], rel=1e-6)


def test_position_of_the_peak_is_at_level_zero_and_far_from_it_at_one() -> None:
    skymap = api.read_skymap(api.read_alert(UPDATE).maps[0].data)
    numbers = api.measure_skymap(skymap)
    ra, dec = numbers["peak_ra_deg"], numbers["peak_dec_deg"]
    found = api.crossmatch_positions(skymap, [ra, ra + 180], [dec, -dec])
    assert found.level[0] < 0.1
    assert found.level[1] > 0.99
    assert np.isnan(found.level_3d).all()
    near = api.crossmatch_positions(skymap, ra, dec, numbers["distance_p50_mpc"])
    assert 0 <= near.level_3d[0] < 0.5


def test_comparison_needs_results(tmp_path: Path) -> None:
    with pytest.raises(sirenflow.errors.SirenflowError, match="expected a directory of results"):
        next(api.compare_results(tmp_path / "old", tmp_path / "new"))
