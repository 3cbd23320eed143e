"""Cells that face each other, against all pairs, and sites that cannot be."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from linewatch import kpi

EARTH_KM = 6371.0088


def network(rng, n_sites=60, spread_deg=0.1, latitude=34.0, longitude=-6.8):
    site = np.repeat(np.arange(n_sites), 3)
    lat = latitude + spread_deg * (rng.random(n_sites) - 0.5)
    lon = longitude + spread_deg * (rng.random(n_sites) - 0.5)
    return pl.DataFrame(
        {
            "cell_id": [f"C{i}" for i in range(3 * n_sites)],
            "site_id": [f"S{i}" for i in site],
            "latitude": lat[site],
            "longitude": lon[site],
            "azimuth": np.tile([350.0, 110.0, 230.0], n_sites),
            "reach": rng.uniform(0.5, 4, 3 * n_sites),
        }
    )


def slow(sites, reach, half):
    """All pairs, by vectors on the unit sphere instead of haversines."""
    lat, lon = np.radians(sites["latitude"].to_numpy()), np.radians(sites["longitude"].to_numpy())
    unit = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], 1)
    north = np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)], 1)
    east = np.stack([-np.sin(lon), np.cos(lon), np.zeros_like(lon)], 1)
    cross = np.linalg.norm(np.cross(unit[:, None], unit[None]), axis=2)
    distance = EARTH_KM * np.arctan2(cross, unit @ unit.T)
    bearing = np.degrees(np.arctan2(east @ unit.T, north @ unit.T)) % 360
    az = sites["azimuth"].to_numpy()[:, None]
    apart = np.abs((bearing - az + 180) % 360 - 180)
    same = (sites["site_id"].to_numpy()[:, None] == sites["site_id"].to_numpy()).astype(bool)
    faces = np.where(same, az == az.T, (apart <= half) & (half >= apart.T))
    faces &= (distance <= reach[:, None]) & ~np.eye(len(az), dtype=bool)
    return {(int(i), int(j)) for i, j in np.argwhere(faces)}, distance, bearing


@pytest.mark.parametrize("place", [(34.0, -6.8), (70.0, 179.99), (-33.0, 0.0)])
@pytest.mark.parametrize("half", [60.0, 90.0])
def test_pairs_are_those_of_the_definition(rng, place, half):
    sites = network(rng, latitude=place[0], longitude=place[1])
    expected, distance, bearing = slow(sites, sites["reach"].to_numpy(), half)
    found = kpi.facing_cells(sites, max_distance_km="reach", half_sector_deg=half)
    rows = {name: i for i, name in enumerate(sites["cell_id"])}
    at = [rows[name] for name in found["cell_id"]]
    to = [rows[name] for name in found["neighbor_id"]]
    assert len(expected) > 20 and set(zip(at, to)) == expected and len(at) == len(expected)
    np.testing.assert_allclose(found["distance_km"], distance[at, to], atol=1e-6)
    np.testing.assert_allclose(found["bearing_deg"], bearing[at, to], atol=1e-5)
    assert not found["is_same_site"].any()
    assert at == sorted(at)


def test_carriers_of_one_sector_face_each_other_at_distance_zero():
    sites = pl.DataFrame(
        {
            "cell_id": ["L800", "L1800", "other"],
            "site_id": ["A", "A", "A"],
            "latitude": [48.0] * 3,
            "longitude": [2.0] * 3,
            "azimuth": [120, 120, 240],
        }
    )
    found = kpi.facing_cells(sites)
    assert found.rows() == [
        ("L800", "L1800", 0.0, None, True),
        ("L1800", "L800", 0.0, None, True),
    ]


def test_some_cells_only_and_any_number_of_threads(rng):
    sites = network(rng)
    whole = kpi.facing_cells(sites)
    some = kpi.facing_cells(sites, ["C7", "C3", "C7"], n_jobs=3)
    assert some.equals(whole.filter(pl.col("cell_id").is_in(["C3", "C7"])))
    assert kpi.facing_cells(sites, "C3").equals(whole.filter(pl.col("cell_id") == "C3"))
    assert kpi.facing_cells(sites, []).is_empty()
    assert kpi.facing_cells(sites.head(0)).is_empty()


def test_a_cell_without_azimuth_looks_everywhere(rng):
    sites = network(rng).with_columns(azimuth=pl.lit(None, dtype=pl.Float64))
    found = kpi.facing_cells(sites, max_distance_km=100)
    assert len(found) == len(sites) * (len(sites) - 1)


def test_every_kind_of_frame_comes_back_as_it_came(rng):
    sites = network(rng)
    expected = kpi.facing_cells(sites)
    columns = {name: sites[name].to_list() for name in sites.columns}
    for kind in (pd.DataFrame, pa.table):
        found = kpi.facing_cells(kind(columns))
        assert type(found) is type(kind(columns))
        assert found["cell_id"].to_numpy().tolist() == expected["cell_id"].to_list()
        np.testing.assert_array_equal(found["distance_km"].to_numpy(), expected["distance_km"])


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (
            "azimuth",
            400.0,
            'column "azimuth" must be from -360 to 360 degrees, got 400 for cell "C1"',
        ),
        (
            "latitude",
            None,
            'column "latitude" must be from -90 to 90 degrees, got nothing for cell "C1"',
        ),
        (
            "latitude",
            91.0,
            'column "latitude" must be from -90 to 90 degrees, got 91 for cell "C1"',
        ),
        (
            "longitude",
            float("inf"),
            'column "longitude" must be from -360 to 360 degrees, got inf for cell "C1"',
        ),
        ("reach", 0.0, 'column "reach" must be above 0 km, got 0 for cell "C1"'),
        ("cell_id", "C0", 'cell "C0" is there more than once; expected one row a cell'),
        ("cell_id", None, 'column "cell_id" has no name in row 1; every cell needs one'),
    ],
)
def test_impossible_sites_are_named(rng, column, value, message):
    sites = network(rng)
    values = sites[column].to_list()
    values[1] = value
    with pytest.raises(ValueError) as caught:
        kpi.facing_cells(sites.with_columns(pl.Series(column, values)), max_distance_km="reach")
    assert str(caught.value) == message


def test_impossible_options_are_named(rng):
    sites = network(rng)
    for options, message in [
        ({"cells": ["X"]}, 'cell "X" is not among the 180 cells of sites'),
        ({"max_distance_km": 0}, "max_distance_km must be above 0, got 0"),
        ({"half_sector_deg": 181}, "half_sector_deg must be above 0 and at most 180, got 181"),
        (
            {"site": "SITE"},
            'column "SITE" is missing; the table has "cell_id", "site_id", "latitude", '
            '"longitude", "azimuth", "reach"',
        ),
    ]:
        with pytest.raises(ValueError) as caught:
            kpi.facing_cells(sites, **options)
        assert str(caught.value) == message
    with pytest.raises(TypeError, match='column "latitude" has dtype String; expected numbers'):
        kpi.facing_cells(sites.with_columns(pl.col("latitude").cast(pl.String)))
