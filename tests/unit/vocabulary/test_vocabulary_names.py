"""Written names become ids only when they are listed; the lists are complete, unambiguous and sourced."""

import csv
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import cytoshift.vocabulary
from cytoshift.vocabulary import names

FOLDER = Path(names.__file__).parent
# The pattern that UniProt publishes for its accessions.
ACCESSION = re.compile(r"[OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9](?:[A-Z][A-Z0-9]{2}[0-9]){1,2}")

WRITTEN_ANALYTES = {
    # periodontitis, text export and workbook
    "VGEF": "vegf_a",
    "CRP": "crp",
    "GM_CSF": "gm_csf",
    "GM-CSF": "gm_csf",
    "IL_1alpha": "il1a",
    "IL1beta": "il1b",
    "IL4": "il4",
    "IL6": "il6",
    "IL-6 ": "il6",
    "IL8": "il8",
    "IL10": "il10",
    "IL_12p70": "il12p70",
    "IL_17A": "il17a",
    "IL-17 A": "il17a",
    "IFN_gama": "ifng",
    "MIP1_alpha": "mip1a",
    "MIP1-alpha": "mip1a",
    "OPG": "opg",
    "TNF_alpha": "tnf",
    "RANKL": "rankl",
    # exercise
    "mif": "mif",
    "gcsf": "g_csf",
    "ifny": "ifng",
    "il10": "il10",
    "ip10": "ip10",
    "mcp1": "mcp1",
    "tnf": "tnf",
    # xPONENT, 30 cytokines
    "FGF": "fgf2",
    "IL1B": "il1b",
    "G-CSF": "g_csf",
    "IL13": "il13",
    "IL12": "il12",
    "RANTES": "rantes",
    "EOTAXIN": "eotaxin",
    "IL17": "il17a",
    "MIP1A": "mip1a",
    "GMCSF": "gm_csf",
    "MIP1B": "mip1b",
    "IL15": "il15",
    "EGF": "egf",
    "IL5": "il5",
    "HGF": "hgf",
    "VEGF": "vegf_a",
    "IFNg": "ifng",
    "IFNa": "ifna",
    "IL1RA": "il1ra",
    "TNFa": "tnf",
    "IL2": "il2",
    "IL7": "il7",
    "IL2R": "sil2ra",
    "MIG": "mig",
    # Bio-Plex Manager sheets
    "Hu IL-1b (32)": "il1b",
    "Hu IL-1ra (25)": "il1ra",
    "Hu IL-9 (77)": "il9",
    "Hu IL-12(p70) (75)": "il12p70",
    "Hu IL-17 (76)": "il17a",
    "Hu Eotaxin (43)": "eotaxin",
    "Hu FGF basic (44)": "fgf2",
    "Hu IFN-g (21)": "ifng",
    "Hu MCP-1(MCAF) (53)": "mcp1",
    "Hu MIP-1a (55)": "mip1a",
    "Hu PDGF bb (47)": "pdgf_bb",
    "Hu TNF-a (36)": "tnf",
    # other spellings
    "IL-12(p70)": "il12p70",
    "IL12p70": "il12p70",
    "hIL-6 (25)": "il6",
    "Human IL-6": "il6",
    "IL-6 (pg/mL)": "il6",
    "IL-6 [pg/ml]": "il6",
    "IFN-gama": "ifng",
    "TNF-α": "tnf",
    "TNF alpha": "tnf",
    "TNF-alfa": "tnf",
    "IL-1ß": "il1b",
    "CXCL8": "il8",
    "CSF2": "gm_csf",
    "IL-8 (HA)": "il8_ha",
    "IL-12/IL-23p40": "il12p40",
    "LAP TGF-beta-1": "lap_tgfb1",
    "hGDNF": "gdnf",
    "hs-CRP": "crp",
    "sTNF-RII": "stnfr2",
    "IL-29/IFN-λ1": "ifnl1",
    "TNF-β": "lta",
    "β-endorphin": "beta_endorphin",
    "[Met5]-enkephalin": "met_enkephalin",
    "OGF": "met_enkephalin",
    "OGFr": "ogfr",
    "Neurofilament light chain": "nfl",
}

WRITTEN_POPULATIONS = {
    # exercise: blood counts and natural killer cells (b bright, d dim)
    "LEUCO": "leukocytes",
    "NEUTRO_ABS": "neutrophils",
    "LYMFO_ABS_CORR": "lymphocytes",
    "MONO_ABS": "monocytes",
    "EOS_ABS": "eosinophils",
    "BASO_ABS": "basophils",
    "TROMBO": "platelets",
    "TNKCount": "nk_cells",
    "TotalNK": "nk_cells",
    "CD16d/CD56bNK": "nk_cd56bright_cd16dim",
    "CD16b/CD56bNK": "nk_cd56bright_cd16bright",
    "CD16b/CD56dNK": "nk_cd56dim_cd16bright",
    "CD3neg": "cd3_negative",
    "CD3pos": "t_cells",
    # analysers and cytometers
    "WBC": "leukocytes",
    "PLT": "platelets",
    "Neutrophils #": "neutrophils",
    "Neutrophils (10^9/L)": "neutrophils",
    "NEUT%": "neutrophils",
    "Lymphocytes/T cells/CD4+": "cd4_t_cells",
    "CD4 T cells": "cd4_t_cells",
    "CD4+": "cd4_t_cells",
    "CD3-CD56+": "nk_cells",
    "CD3- CD56+": "nk_cells",
    "CD3+CD56+": "nkt_cells",
    "CD3-": "cd3_negative",
    "CD3+": "t_cells",
    "CD14++CD16-": "monocytes_classical",
    "CD4+CD25+FOXP3+": "treg",
    "Tregs": "treg",
    "Th17": "th17",
    "γδ T cells": "gd_t_cells",
    "CD8 naïve": "cd8_naive",
    "CD4+CD45RA-CCR7+": "cd4_central_memory",
}

LUMINEX_48 = (
    "sCD40L EGF Eotaxin FGF-2 FLT-3L Fractalkine G-CSF GM-CSF GROα IFN-α2 IFN-γ IL-1α IL-1β IL-1RA IL-2 IL-3 IL-4 "
    "IL-5 IL-6 IL-7 IL-8 IL-9 IL-10 IL-12(p40) IL-12(p70) IL-13 IL-15 IL-17A IL-17E/IL-25 IL-17F IL-18 IL-22 IL-27 "
    "IP-10 MCP-1 MCP-3 M-CSF MDC MIG MIP-1α MIP-1β PDGF-AA PDGF-AB/BB RANTES TGF-α TNF-α TNF-β VEGF-A"
)
MSD_40 = (
    "CRP Eotaxin Eotaxin-3 FGF(basic) GM-CSF ICAM-1 IFN-γ IL-10 IL-12/IL-23p40 IL-12p70 IL-13 IL-15 IL-16 IL-17A "
    "IL-1α IL-1β IL-2 IL-4 IL-5 IL-6 IL-7 IL-8 IL-8(HA) IP-10 MCP-1 MCP-4 MDC MIP-1α MIP-1β PlGF SAA TARC Tie-2 "
    "TNF-α TNF-β VCAM-1 VEGF-A VEGF-C VEGF-D VEGFR-1/Flt-1"
)
OLINK_INFLAMMATION = (
    "4E-BP1 ADA ARTN AXIN1 BDNF Beta-NGF CASP-8 CCL11 CCL19 CCL20 CCL23 CCL25 CCL28 CCL4 CD244 CD40 CD5 CD6 CD8A "
    "CDCP1 CSF-1 CST5 CX3CL1 CXCL1 CXCL10 CXCL11 CXCL5 CXCL6 CXCL9 DNER EN-RAGE FGF-19 FGF-21 FGF-23 FGF-5 Flt3L "
    "GDNF HGF IFN-gamma IL-1-alpha IL-10RA IL-10RB IL-12B IL-15RA IL-17A IL-17C IL-18R1 IL-20 IL-20RA IL-22-RA1 "
    "IL-24 IL-2RB IL-33 IL10 IL13 IL18 IL2 IL4 IL5 IL6 IL7 IL8 LAP-TGF-beta-1 LIF LIF-R MCP-1 MCP-2 MCP-3 MCP-4 "
    "MIP-1-alpha MMP-1 MMP-10 NRTN NT-3 OPG OSM PD-L1 SCF SIRT2 SLAMF1 ST1A1 STAMPB TGF-alpha TNF TNFB TNFRSF9 "
    "TNFSF14 TRAIL TRANCE TSLP TWEAK VEGF_A uPA"
)

LOOKALIKES = ["IL-66", "Interlukin-6", "TNF-alhpa", "VEGFF", "GMM-CSF", "TGF-beta", "IL-1", "RANTEZ", "IFN", "MCPI"]


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.mark.parametrize(("written", "expected"), WRITTEN_ANALYTES.items())
def test_analyte_names_of_real_files_are_read(written: str, expected: str) -> None:
    match = names.find_analyte(written)
    assert (match.id, match.label, match.suggestion) == (expected, names.analyte(expected).label, None)
    assert match.written == written


@pytest.mark.parametrize(("written", "expected"), WRITTEN_POPULATIONS.items())
def test_population_names_of_real_files_are_read(written: str, expected: str) -> None:
    match = names.find_population(written)
    assert (match.id, match.label) == (expected, names.population(expected).label)


@pytest.mark.parametrize("panel", [LUMINEX_48, MSD_40, OLINK_INFLAMMATION], ids=["luminex", "msd", "olink"])
def test_every_analyte_of_a_common_panel_is_known_and_distinct(panel: str) -> None:
    found = {written: names.find_analyte(written).id for written in panel.split()}
    assert [written for written, analyte_id in found.items() if analyte_id is None] == []
    assert [analyte_id for analyte_id, count in Counter(found.values()).items() if count > 1] == []


@pytest.mark.parametrize("written", LOOKALIKES)
def test_a_similar_name_is_never_applied(written: str) -> None:
    match = names.find_analyte(written)
    assert (match.id, match.label, match.how) == (None, None, "unknown")


def test_a_typing_error_is_suggested_but_another_number_is_not() -> None:
    assert names.find_analyte("Interlukin-6").suggestion == "il6"
    assert names.find_analyte("RANTEZ").suggestion == "rantes"
    assert names.find_analyte("TGF-beta").suggestion == "tgfb1"
    assert names.find_analyte("IL-66").suggestion is None
    assert names.find_analyte("IL-6x").suggestion == "il6"
    assert names.find_analyte("").suggestion is None
    assert names.find_population("Neutrofils").suggestion == "neutrophils"


def test_the_last_gate_of_an_unknown_path_is_only_suggested() -> None:
    match = names.find_population("live/CD14+/CD4+")
    assert (match.id, match.suggestion) == (None, "cd4_t_cells")


def test_how_a_name_was_read_is_told() -> None:
    assert names.find_analyte("il6").how == "exact"
    assert names.find_analyte("TNF-α").how == "exact"
    assert names.find_analyte("TNFa").how == "alias"
    assert names.find_population("WBC").how == "alias"


def test_negative_and_positive_markers_are_different_cells() -> None:
    assert names.find_population("CD3-CD56+").id != names.find_population("CD3+CD56+").id
    assert names.find_population("CD14++CD16+ monocytes").id != names.find_population("CD14+CD16++ monocytes").id


def test_the_vocabulary_is_as_large_as_promised() -> None:
    assert len(names.all_analytes()) >= 120
    assert len(names.all_populations()) >= 40


def test_ids_are_unique_and_safe_and_aliases_have_no_empty_entry() -> None:
    for table in ("analytes.tsv", "populations.tsv"):
        ids = [row["id"] for row in rows(table)]
        assert len(set(ids)) == len(ids)
        assert [row_id for row_id in ids if names.make_id(row_id) != row_id] == []
        assert [row["id"] for row in rows(table) if row["aliases"] and "" in row["aliases"].split("|")] == []


@pytest.mark.parametrize("table", ["analytes.tsv", "populations.tsv"])
def test_no_name_means_two_things(table: str) -> None:
    find = names.find_analyte if table == "analytes.tsv" else names.find_population
    for row in rows(table):
        for written in (row["id"], row["label"], *filter(None, row["aliases"].split("|"))):
            assert find(written).id == row["id"], written


def test_a_name_listed_twice_is_refused() -> None:
    first = names.Analyte("a1", "A-1", (), (), "", ("X 9",))
    second = names.Analyte("b1", "B-1", (), (), "", ("x-9",))
    with pytest.raises(ValueError, match="'x-9' of 'b1' is also a name of 'a1'"):
        names._unique_keys([first, second], names.normalize_name)


def test_accessions_are_well_formed_and_each_has_a_gene_and_a_source() -> None:
    for entry in names.all_analytes():
        assert all(ACCESSION.fullmatch(accession) for accession in entry.uniprot), entry.id
        assert len(entry.uniprot) == len(entry.hgnc), entry.id
        assert bool(entry.uniprot) == bool(entry.accession_source), entry.id
        assert all(re.fullmatch(r"[A-Z][A-Z0-9]*(?:orf\d+)?", symbol) for symbol in entry.hgnc), entry.id


@pytest.mark.parametrize(
    ("analyte_id", "symbols", "accessions"),
    [
        ("il6", ("IL6",), ("P05231",)),
        ("tnf", ("TNF",), ("P01375",)),
        ("ifng", ("IFNG",), ("P01579",)),
        ("il12p70", ("IL12A", "IL12B"), ("P29459", "P29460")),
        ("crp", ("CRP",), ("P02741",)),
        ("beta_endorphin", ("POMC",), ("P01189",)),
        ("met_enkephalin", ("PENK",), ("P01210",)),
        ("ogfr", ("OGFR",), ("Q9NZT2",)),
        ("ifna", (), ()),
    ],
)
def test_accessions_of_central_analytes(analyte_id: str, symbols: tuple[str, ...], accessions: tuple[str, ...]) -> None:
    entry = names.analyte(analyte_id)
    assert (entry.hgnc, entry.uniprot) == (symbols, accessions)


def test_every_role_row_has_an_analyte_a_defined_role_and_a_source() -> None:
    table = rows("roles.tsv")
    analytes = {entry.id for entry in names.all_analytes()}
    assert {row["analyte"] for row in table} <= analytes
    assert {row["role"] for row in table} == set(names.all_roles())
    assert [row for row in table if len(row["source"]) < 20 or "\n" in row["source"]] == []
    assert len({(row["analyte"], row["role"]) for row in table}) == len(table)
    go_rows = [row["source"] for row in table if row["source"].startswith("Gene Ontology")]
    assert all(re.match(r"Gene Ontology: GO:\d{7} .+, annotated to [A-Z0-9]+ \([A-Z, ]+\)$", text) for text in go_rows)


def test_roles_of_well_known_analytes() -> None:
    assert names.roles_of("il10") == ("anti_inflammatory", "treg")
    assert "pro_inflammatory" in names.roles_of("tnf")
    assert {"pro_inflammatory", "th1", "interferon"} <= set(names.roles_of("ifng"))
    assert "th17" in names.analyte("il17a").roles
    assert "opioid_peptide" in names.roles_of("met_enkephalin")
    assert names.roles_of("acute_unknown") == ()
    assert "Blood" in names.role_source("lta", "th1")
    assert "leukocytes" in names.role_meaning("chemokine")


def test_no_analyte_is_both_pro_and_anti_inflammatory() -> None:
    both = [entry.id for entry in names.all_analytes() if {"pro_inflammatory", "anti_inflammatory"} <= set(entry.roles)]
    assert both == []


def test_the_five_part_differential_and_the_parents() -> None:
    differential = [entry.id for entry in names.all_populations() if entry.cbc_differential]
    assert differential == ["neutrophils", "lymphocytes", "monocytes", "eosinophils", "basophils"]
    assert {names.population(entry).parent for entry in differential} == {"leukocytes"}
    for entry in names.all_populations():
        seen = {entry.id}
        while entry.parent is not None:
            entry = names.population(entry.parent)
            assert entry.id not in seen
            seen.add(entry.id)


def test_asking_for_an_unknown_id_names_it() -> None:
    with pytest.raises(KeyError, match="no analyte 'il99'"):
        names.analyte("il99")
    with pytest.raises(KeyError, match="no cell population 'x'"):
        names.population("x")
    with pytest.raises(KeyError, match="role of 'il6' 'th2'"):
        names.role_source("il6", "th2")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("<script>", "script"),
        ("../x", "x"),
        ("=cmd", "cmd"),
        ("IFN-λ9", "ifn_lambda9"),
        ("Ünknown protein", "unknown_protein"),
        ("CD4+CD25-", "cd4_pos_cd25_neg"),
        ("", "name_e3b0c442"),
    ],
)
def test_ids_of_unknown_names_are_harmless(written: str, expected: str) -> None:
    assert names.make_id(written) == expected


def test_ids_of_long_names_with_the_same_start_differ() -> None:
    assert names.make_id("a" * 200 + "b") != names.make_id("a" * 200 + "c")
    assert names.make_id("白血球") != names.make_id("血小板")


@given(st.text(max_size=80))
@example("\ud800")
@example("..")
def test_an_id_is_always_a_short_safe_word(written: str) -> None:
    made = names.make_id(written)
    assert re.fullmatch(r"[a-z0-9_]{1,60}", made)
    assert names.make_id(written) == made
    assert names.make_id(made) == made


@given(st.text(max_size=40))
@example("alphalpha")
@example("IL-1ß")
@example("\u0345")
def test_a_key_is_letters_and_digits_and_stays_itself(written: str) -> None:
    key = names.normalize_name(written)
    assert key == "" or key.isalnum()
    assert names.normalize_name(key) == key


@given(st.sampled_from([entry.label for entry in names.all_analytes()]), st.sampled_from([" ", "-", "_", ".", ""]))
def test_separators_and_case_do_not_matter(label: str, separator: str) -> None:
    respelt = separator.join(re.split(r"[ \-_.]", label)).lower()
    assert names.find_analyte(respelt).id == names.find_analyte(label).id is not None


@given(st.text(alphabet="ilntfabgcsr-0123456789 αβγ", max_size=12))
def test_only_listed_names_are_applied(written: str) -> None:
    listed = {
        names.normalize_name(name) for entry in names.all_analytes() for name in (entry.id, entry.label, *entry.aliases)
    }
    assert (names.find_analyte(written).id is not None) == (names.normalize_name(written) in listed)


def test_importing_the_vocabulary_does_not_load_tables_or_numerics() -> None:
    code = (
        "import sys, cytoshift.vocabulary.names as n; n.find_analyte('IL-6');"
        "print([m for m in ('pandas', 'numpy', 'pydantic') if m in sys.modules])"
    )
    folder = FOLDER.parents[1]
    result = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_package_reexports_lazily() -> None:
    assert cytoshift.vocabulary.find_analyte("IL-6").id == "il6"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        cytoshift.vocabulary.nothing  # noqa: B018
