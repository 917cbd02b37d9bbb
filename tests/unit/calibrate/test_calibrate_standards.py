"""Which wells make a standard curve: levels, blanks, and standards that must not enter it."""

import numpy as np
import pytest

from calibrate_tables import CURVE, dilution_series, make_wells
from cytoshift.calibrate.hooks import find_hooks
from cytoshift.calibrate.standards import HOOK, NOT_POSITIVE, OFF_SERIES, arrange, pad


def reasons(bench):
    """Level → why it is left out, for standards that are."""
    left_out = bench.standards[bench.standards["reason"] != ""]
    levels = bench.wells["level"].to_numpy()[left_out["well"]]
    return dict(zip(levels, left_out["reason"], strict=True))


def test_standards_are_left_out_each_with_its_reason():
    wells = make_wells()
    where = wells.set_index("level").index
    wells.loc[where == "Standard2", "excluded"] = True
    wells.loc[where == "Standard3", "outlier"] = True
    wells.loc[where == "Standard4", "signal"] = np.nan
    wells.loc[where == "Standard5", "expected"] = np.nan
    wells.loc[where == "Standard6", "signal"] = 0.0
    assert reasons(arrange(wells, "include")) == {
        "Standard2": "left out by the study file",
        "Standard3": "marked in the file as not to be used",
        "Standard4": "no signal",
        "Standard5": "the file states no concentration",
        "Standard6": NOT_POSITIVE,
    }


def test_a_standard_without_its_decimal_point_is_left_out_and_keeps_what_the_file_says():
    wells = make_wells(standards=[3450 / 2**k for k in range(8)])
    wells.loc[wells["level"] == "Standard5", "expected"] = 215625.0
    bench = arrange(wells, "include")
    assert reasons(bench) == {"Standard5": OFF_SERIES}
    off = bench.standards[bench.standards["off"]].iloc[0]
    assert off["expected"] == 215625.0
    assert off["series"] == pytest.approx(215.625)


def test_a_standard_is_left_out_only_where_its_series_contradicts_it_by_more_than_a_factor_two():
    for factor, left_out in ((1.9, {}), (0.55, {}), (2.2, {"Standard5": OFF_SERIES}), (0.1, {"Standard5": OFF_SERIES})):
        wells = make_wells(standards=[4096 / 2**k for k in range(9)])
        wells.loc[wells["level"] == "Standard5", "expected"] *= factor
        assert reasons(arrange(wells, "include")) == left_out
    assert reasons(arrange(make_wells(standards=[100, 40, 20, 10, 5]), "include")) == {}


def test_levels_follow_the_numbers_in_their_labels_not_their_place_on_the_plate():
    wells = make_wells(standards=dilution_series(levels=12, fold=2)).iloc[::-1].reset_index(drop=True)
    bench = arrange(wells, "include")
    rank = dict(zip(bench.wells["level"].to_numpy()[bench.standards["well"]], bench.standards["rank"], strict=True))
    assert [rank[f"Standard{k}"] for k in range(1, 13)] == list(range(12))


def test_standards_that_share_one_label_are_ordered_by_their_signals():
    wells = make_wells(("il6", "tnf"), standards=[1000 / 3**k for k in range(7)])
    standard = wells["type"] == "standard"
    wells.loc[standard, ["level", "written"]] = ["", "S"]
    damaged = standard & (wells["analyte"] == "tnf") & np.isclose(wells["expected"], 1000 / 3**3)
    wells.loc[damaged, "expected"] *= 1000
    bench = arrange(wells, "include")
    off = bench.standards[bench.standards["off"]]
    assert off["series"].to_list() == pytest.approx([1000 / 3**3])
    assert bench.keys["analyte"].to_numpy()[off["curve"]].tolist() == ["tnf"]


def test_a_standard_of_concentration_zero_is_a_blank():
    wells = make_wells(blanks=2)
    wells.loc[wells["level"] == "Standard8", ["expected", "signal"]] = [0.0, 26.0]
    bench = arrange(wells, "include")
    assert len(bench.blanks) == 3
    assert bench.blank[0] == pytest.approx((20 + 20 + 26) / 3)
    assert "Standard8" not in bench.wells["level"].to_numpy()[bench.standards["well"]]


def test_the_mean_blank_is_taken_off_only_when_the_plan_says_subtract():
    wells = make_wells(blanks=2)
    raw, net = arrange(wells, "include"), arrange(wells, "subtract")
    np.testing.assert_allclose(raw.signal - net.signal, 20.0)
    np.testing.assert_array_equal(raw.signal, wells["signal"])


def test_a_file_without_raw_signals_is_read_on_its_net_signals():
    wells = make_wells(("il6", "tnf"))
    wells.loc[wells["analyte"] == "tnf", "signal"] = np.nan
    bench = arrange(wells, "include")
    tnf = (bench.wells["analyte"] == "tnf").to_numpy()
    np.testing.assert_array_equal(bench.signal[tnf], bench.wells["net_signal"].to_numpy()[tnf])


def hook_at(*factors, replicates=1, noise=0.0):
    """A plate whose highest standards read these multiples of the upper asymptote."""
    wells = make_wells(standards=[20000.0 / 3**k for k in range(9)], replicates=replicates, noise=noise)
    for number, factor in enumerate(factors, start=1):
        wells.loc[wells["level"] == f"Standard{number}", "signal"] *= factor
    return wells


HOOKS = {
    "the top standard falls by half": ((0.5,), ["Standard1"]),
    "two fall": ((0.3, 0.6), ["Standard1", "Standard2"]),
    "within the noise of a flat top": ((0.93,), []),
    "the second standard alone": ((1.0, 0.6), []),
    "no hook": ((), []),
}


@pytest.mark.parametrize("case", HOOKS.values(), ids=HOOKS.keys())
def test_standards_beyond_a_high_dose_hook_are_left_out(case):
    factors, levels = case
    assert reasons(arrange(hook_at(*factors), "include")) == dict.fromkeys(levels, HOOK)


def test_a_fall_must_exceed_the_noise_that_the_replicates_show():
    curve = np.zeros(8, dtype=int)
    expected = np.repeat([10.0, 100.0, 1000.0, 10000.0], 2)
    quiet = np.log([100, 101, 1000, 990, 8000, 8050, 6500, 6400])
    noisy = np.log([100, 160, 1000, 1500, 8000, 11500, 6500, 9000])
    assert find_hooks(curve, expected, quiet, 1).tolist() == [False] * 6 + [True] * 2
    assert not find_hooks(curve, expected, noisy, 1).any()


def test_a_top_standard_a_quarter_lower_in_duplicate_is_a_hook():
    curve, expected = np.zeros(14, dtype=int), np.repeat(10000.0 / 4.0 ** np.arange(7), 2)
    signal = [2868.5, 2980, 3900, 4048, 3010, 2900, 1420, 1502, 520, 541, 190, 184, 80, 83]
    assert np.flatnonzero(find_hooks(curve, expected, np.log(signal), 1)).tolist() == [0, 1]


@pytest.mark.parametrize("wells", [1, 2])
def test_a_flat_top_is_rarely_taken_for_a_hook_at_ten_percent_noise(wells):
    plates, levels = 4000, 8
    expected = np.repeat(4000.0 / 4.0 ** np.arange(levels), wells)
    logs = np.log(20 + 25000 / (1 + (expected / 40.0) ** -1.1))  # the curve's middle at a hundredth of the top
    noise = 0.1 * np.random.default_rng(4).standard_normal((plates, len(expected)))
    curve = np.repeat(np.arange(plates), len(expected))
    beyond = find_hooks(curve, np.tile(expected, plates), (logs + noise).ravel(), plates)
    assert len(np.unique(curve[beyond])) < 0.005 * plates


def test_padding_keeps_the_order_of_each_curve():
    padded = pad(np.array([1.0, 2, 3, 4, 5]), np.array([1, 0, 1, 1, 0]), 3)
    np.testing.assert_array_equal(padded, [[2, 5, np.nan], [1, 3, 4], [np.nan] * 3])


def test_curves_are_numbered_as_they_appear_in_the_file():
    wells = make_wells(("tnf", "il6"), blanks=0)
    bench = arrange(wells, "include")
    assert bench.keys["analyte"].to_list() == ["tnf", "il6"]
    assert np.isnan(bench.blank).all()
    assert CURVE[0] < bench.signal.min()


def test_standards_without_labels_and_without_signals_are_no_error():
    wells = make_wells()
    wells.loc[wells["type"] == "standard", ["level", "written"]] = ["", "S"]
    wells.loc[wells["expected"] > 500, "signal"] = np.nan
    bench = arrange(wells, "include")
    assert set(reasons(bench).values()) == {"no signal"}
    assert not bench.standards["off"].any()
