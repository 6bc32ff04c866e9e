"""The flats as CSV: what is exported can be imported, and a bad file tells all of its problems at once."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.directory.entries import Device, Flat
from servers.directory.sheet import csv_of, flats_of
from servers.errors import DirectoryError
from servers.kamailio.kinds import Kind
from tests.servers.directory.test_store import CHEN, KEY


def test_what_is_exported_can_be_imported() -> None:
    flats = {"301": CHEN, "302": Flat(name='Rossi, "Casa" Ä')}
    assert flats_of(csv_of(flats)) == flats
    assert flats_of("\ufeff" + csv_of(flats).replace("\r\n", "\n")) == flats, "as a spreadsheet writes it"


def test_columns_may_be_in_any_order_and_left_out() -> None:
    text = f"Name,flat,phones\nFamily Chen,301,phone1={KEY} phone2\n\n"
    devices = (Device(name="phone1", kind=Kind.PHONE, key=KEY), Device(name="phone2", kind=Kind.PHONE))
    assert flats_of(text) == {"301": Flat(name="Family Chen", devices=devices)}


def test_every_problem_is_told_at_once_with_line_and_column() -> None:
    lines = [
        "flat,name,homelink,records,telephone,indoor,phones",
        "301,Family Chen,,,,indoor1,phone1",
        "3o2,,home@10.0.0.7,10.0.0.7,12 34,Hall=AAAA,",
        "301,Family Rossi,,,,,",
        "303,Family Li,,,,indoor1,indoor1",
        "304,Family Ng,,,,,,surplus",
    ]
    with pytest.raises(DirectoryError) as caught:
        flats_of("\n".join(lines), "flats.csv")
    assert str(caught.value).splitlines() == [
        "flats.csv, line 3, column flat: must be 1 to 8 digits",
        "flats.csv, line 3, column name: must have 1 to 64 characters that can be seen",
        "flats.csv, line 3, column homelink: must be like sip:home@10.0.0.7:5061;transport=tls, or empty",
        "flats.csv, line 3, column records: must be like https://10.0.0.7:8443, or empty",
        "flats.csv, line 3, column telephone: must be digits, with or without a leading +, or empty",
        "flats.csv, line 3, column indoor: 'Hall' is no name (a-z, 0-9, '_', '.', '-')",
        "flats.csv, line 3, column indoor: 'Hall' its key has 3 bytes, an Ed25519 key has 32",
        "flats.csv, line 4, column flat: 301 is there already",
        "flats.csv, line 5, columns indoor and phones: names indoor1 twice",
        "flats.csv, line 6, column 8: there are only 7 columns",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1: there is no column 'flat'"),
        ("flat,name,fax\n", "line 1: column 'fax' is unknown"),
        ("flat,name,name\n", "line 1: there is more than one column 'name'"),
        ('flat,name\n301,"Chen\n', "line 2: is no CSV"),
        ("flat,name\n301,\0\n", "line 2"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(text: str, told: str) -> None:
    with pytest.raises(DirectoryError, match=told):
        flats_of(text)


@given(st.text(alphabet='flatnme,=+"\n\r301 \ufeff\0;é', max_size=120))
def test_any_text_is_a_table_or_a_clear_refusal(text: str) -> None:
    with contextlib.suppress(DirectoryError):
        assert all(flat.name for flat in flats_of("flat,name,phones\n" + text).values())
