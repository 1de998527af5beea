"""Columns about persons: protected groups, names, identifiers, and rows of one person."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import toolkit
from toolkit import data, table
from toolkit.table.types.personal import people, reference
from toolkit.table.types.protected import protected

PROTECTED = """hispanic_origin MARRIAGE ancestry Customer_Age civil_status RAC1P SEX nativity
mother_tongue religion_code geschlecht applicant_sex_name native_country marital_status AGEP MAR
personal_status_sex foreign_worker SeniorCitizen Age_Group custage derived_race CODE_GENDER
NAME_FAMILY_STATUS DAYS_BIRTH DateOfBirth migration_background sexual_orientation is_female
Familienstand edad estado_civil is_veteran veterans_benefits country_of_birth_father caste
applicant_race_name_1 disability_status nacionalidad citizenship"""
NOT_PROTECTED = """race_time screen_orientation average page stage package age_of_account lap_race
vehicle_age sexagesimal migration_code country_of_origin_of_product VETERANS_FORM housing_median_age
account_age_days genre orientation handicap eta programming_language birth_weight sex_ratio
pct_female company_age usage mileage coverage essex agenda race_number product_gender title
data_migration fill_inc_questionnaire_for_veterans_admin ads_disabled origin"""


@pytest.mark.parametrize("name", PROTECTED.split())
def test_protected_by_meaning(name):
    assert protected(name)


@pytest.mark.parametrize("name", NOT_PROTECTED.split())
def test_words_that_mean_something_else(name):
    assert protected(name) is None


def test_values_decide_where_a_name_does_not():
    assert protected("x4", ["Male", "Female", "unknown"])
    assert protected("q7", ["White", "Black", "Asian", "Other"])
    assert protected("genre", ["homme", "femme"]) and not protected("genre", ["rock", "pop"])
    assert protected("status", ["single", "married", "divorced"])
    assert not protected("charge_degree", ["M", "F"])  # misdemeanour, felony
    assert not protected("colour", ["white", "black", "red"])
    assert not protected("DIS", [f"{k / 7:.3f}" for k in range(1, 90)])  # a distance
    assert protected("age", [str(k) for k in range(18, 90)])
    assert not protected("age", ["1", "28", "365"])  # of concrete, in days


FULL = ["Braund, Mr. Owen Harris", "Cumings, Mrs. John Bradley (Florence Briggs Thayer)",
        "Heikkinen, Miss. Laina", "Allen, Mr. William Henry", "Moran, Mr. James"] * 3  # fmt: skip


@pytest.mark.parametrize(
    ("name", "texts", "expected"),
    [
        ("Name", FULL, "names of people"),
        (
            "x3",
            ["María García", "Hans Müller", "Juan Pérez", "Anna Schmidt"] * 4,
            "names of people",
        ),
        ("first", ["miguel", "kevin", "ed", "marcu", "michael"] * 3, "first names"),
        ("apellido_paterno", ["Pérez", "Gómez", "Ruiz"], "last names"),
        ("Nachname", ["Müller", "Schmidt", "von Berg"], "last names"),
        ("customer_first_name", ["Ada", "Zoë", "Ngũgĩ"], "first names"),
        ("name", ["chevrolet chevelle malibu", "buick skylark 320", "ford torino"] * 4, None),
        ("city_name", ["San Antonio", "Charlotte", "Victoria", "Paris"] * 4, None),
        ("city", ["San Antonio", "Charlotte", "Victoria", "Paris"] * 4, None),
        ("product", ["Victoria Jean", "Laura Chair", "Maria Lamp"] * 4, None),
        ("job", ["admin", "technician", "services"] * 4, None),
    ],
)
def test_names_of_people(name, texts, expected):
    assert people(name, texts) == expected


@pytest.mark.parametrize(
    ("name", "texts", "expected"),
    [
        ("a", ["ann@x.org", "b.c@y.co.uk"], "e-mail addresses"),
        ("a", ["+49 30 1234567", "+1 212 555 0100"], "phone numbers"),
        ("mobile", ["01701234567", "01609876543"], "phone numbers"),
        ("a", ["DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19"], "bank account numbers"),
        ("a", ["123-45-6789", "987-65-4321"], "social security numbers"),
        ("a", ["https://x.org/u/1", "www.y.com/2"], "web addresses"),
        ("a", ["123e4567-e89b-12d3-a456-426614174000"] * 2, "UUIDs"),
        ("a", ["12 Main St", "7 Oak Avenue, Apt 3"], "postal addresses"),
        ("strasse", ["Hauptstraße 5", "Am Ring 12"], "postal addresses"),
        ("Kennzeichen", ["B-XY 123", "HH-A 4"], "licence plates"),
        ("user_name", ["kim99", "zoe"], "user names"),
        ("a", ["192.168.0.1", "10.0.0.7"], "addresses of machines"),
        ("phone_service", ["Yes", "No"], None),
        ("date", ["2020-01-01", "2021-12-31"], None),
        ("price", ["1299.00", "15.50"], None),
        ("time", ["12:30:15", "07:00:00"], None),
        ("address", ["urban", "rural"], None),
        ("registration_year", ["2010", "2012"], None),
    ],
)
def test_identifiers_by_shape(name, texts, expected):
    assert reference(name, texts) == expected


def stays(n=3000, people_=900, seed=0):
    rng = np.random.default_rng(seed)
    person = rng.integers(0, people_, n)
    return pd.DataFrame(
        {
            "patient_nbr": rng.choice(10**7, people_, replace=False)[person],
            "race": rng.choice(["a", "b", "c"], people_)[person],
            "height": rng.normal(170, 9, people_).round(1)[person],
            "days": rng.integers(1, 14, n),
            "income": rng.integers(20_000, 21_500, n),
            "product_id": rng.integers(100, 900, n),
            "zip": rng.integers(10_000, 10_600, n),
            "y": rng.choice(["yes", "no"], n),
        }
    )


def inferred(frame):
    columns, _, checks = table.infer_columns(frame.astype(str), "y")
    return columns, {c.name: c for c in checks if "together" in c.name or "one group" in c.name}


def test_rows_of_one_person_are_a_group():
    columns, said = inferred(stays())
    assert columns["patient_nbr"].role == "group"
    assert said["Rows of one group"].columns == ["patient_nbr"]
    assert "race agrees 100%" in said["Rows of one group"].message
    assert columns["income"].role == "feature" and len(said) == 1


def test_without_such_a_name_it_is_asked():
    columns, said = inferred(stays().rename(columns={"patient_nbr": "ref"}))
    assert columns["ref"].role == "feature"
    assert said["Rows that may belong together"].columns == ["ref"]


def test_amounts_and_codes_are_no_persons():
    rng = np.random.default_rng(1)
    n = 4000
    price = rng.integers(100, 900, n)
    frame = pd.DataFrame(
        {
            "price": price,
            "total": price + rng.integers(0, 3, n),  # alike where prices are
            "v": price // 10 * 10 + rng.integers(0, 9, n),
            "age": rng.integers(18, 90, n),
            "y": rng.choice(["yes", "no"], n),
        }
    )
    assert inferred(frame)[1] == {}


def test_a_new_project_splits_by_person_and_eda_warns_while_it_does_not(tmp_path):
    from toolkit import open_stage
    from toolkit.artifacts import Profile, Quality

    frame = stays(1500, 400)
    frame.insert(0, "surname", np.random.default_rng(0).choice(["Xu", "Ortiz", "Kühn"], 1500))
    frame.to_csv(tmp_path / "t.csv", index=False)
    file = toolkit.new(tmp_path / "t.csv", "y", tmp_path / "p")
    checks = file.checks
    assert (file.project.split.method, file.project.split.column) == ("group", "patient_nbr")
    assert file.project.columns["surname"].role == "identifier"
    assert "Names of people" in {c.name for c in checks}
    file.set(("split", "method"), "stratified")
    file.set(("columns", "patient_nbr", "role"), "feature")
    stage = open_stage("scoping", file.path)
    facts = {c.name: c for c in data.intake(stage).columns}
    assert facts["surname"].examples == []
    stage.finish()
    stage = open_stage("eda", file.path)
    data.make_split(stage)
    data.profile(stage)
    data.quality(stage)
    found = {c.name: c for c in stage.run.read(Quality).checks}
    assert found["Rows of one person or thing"].severity == "critical"
    profile = stage.run.read(Profile).model_dump_json()
    assert "Ortiz" not in profile
    stage.finish()
