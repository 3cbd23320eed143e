"""Pseudonyms: the published vectors, what they keep and refuse, and keys that stay secret."""

import ipaddress
import pickle
import stat

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from linewatch import privacy

# The key that the authors of Crypto-PAn publish with their sample trace.
REFERENCE = bytes(
    [21, 34, 23, 141, 51, 164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16]
    + [216, 152, 143, 131, 121, 121, 101, 39, 98, 87, 76, 45, 42, 132, 34, 2]
)
VECTORS = {
    "128.11.68.132": "135.242.180.132",
    "129.118.74.4": "134.136.186.123",
    "130.132.252.244": "133.68.164.234",
    "141.223.7.43": "141.167.8.160",
    "192.102.249.13": "252.138.62.131",
    "10.1.1.1": "117.14.242.124",
    "10.1.1.2": "117.14.242.126",
    "0.0.0.0": "120.255.240.1",
    "255.255.255.255": "206.120.97.255",
    "2001:db8::1": "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1e",
}
KEY = privacy.Key(REFERENCE)


@pytest.fixture
def pan():
    return privacy.CryptoPan(KEY)


def number(text):
    return int(ipaddress.ip_address(text))


def shared_prefix(a, b, bits):
    return bits - (number(a) ^ number(b)).bit_length()


def test_the_published_addresses_have_their_published_pseudonyms(pan):
    assert pan.pseudonymize(list(VECTORS)) == list(VECTORS.values())
    assert pan.restore(list(VECTORS.values())) == list(VECTORS)
    assert pan.pseudonymize("10.1.1.1") == "117.14.242.124"


def test_addresses_as_numbers_agree_with_text(pan, rng):
    x = rng.integers(0, 2**32, 1000, dtype=np.uint32)
    texts = [str(ipaddress.IPv4Address(int(a))) for a in x]
    got = pan.pseudonymize(x)
    assert got.dtype == np.uint32
    assert [str(ipaddress.IPv4Address(int(a))) for a in got] == pan.pseudonymize(texts)
    np.testing.assert_array_equal(pan.restore(got), x)
    np.testing.assert_array_equal(pan.pseudonymize(x.reshape(10, 100)), got.reshape(10, 100))
    np.testing.assert_array_equal(pan.pseudonymize(x[::-2]), got[::-2])
    for n_jobs in (1, 2, 3):
        np.testing.assert_array_equal(pan.pseudonymize(x, n_jobs=n_jobs), got)
    assert pan.pseudonymize(x[:0]).shape == (0,)


@pytest.mark.parametrize("bits", [32, 128])
def test_a_shared_prefix_stays_shared_and_grows_no_longer(pan, rng, bits):
    kind = ipaddress.IPv4Address if bits == 32 else ipaddress.IPv6Address
    for _ in range(50):
        a = int.from_bytes(rng.bytes(bits // 8))
        b = a ^ (1 << int(rng.integers(bits)))
        pair = [str(kind(a)), str(kind(b))]
        assert shared_prefix(*pan.pseudonymize(pair), bits) == shared_prefix(*pair, bits)


def test_a_column_comes_back_as_the_column_it_was(pan):
    texts, expected = ["10.1.1.1", None, "10.1.1.2", "10.1.1.1"], ["117.14.242.124", None]
    expected += ["117.14.242.126", "117.14.242.124"]
    assert pan.pseudonymize(texts) == expected
    series = pd.Series(texts, index=[5, 3, 2, 9], name="sa")
    got = pan.pseudonymize(series)
    assert list(got.index) == [5, 3, 2, 9] and got.name == "sa"
    assert got.isna().tolist() == [False, True, False, False]
    assert got.dropna().tolist() == [e for e in expected if e]
    got = pan.pseudonymize(pl.Series("sa", texts))
    assert got.name == "sa" and got.to_list() == expected
    assert pan.pseudonymize(pa.chunked_array([texts])).to_pylist() == expected
    got = pan.pseudonymize(nw.from_native(pl.Series("sa", texts), series_only=True))
    assert isinstance(got, nw.Series) and got.to_list() == expected
    got = pan.pseudonymize(np.array(texts, dtype=object))
    assert got.tolist() == expected


@pytest.mark.parametrize(
    ("bad", "hint"),
    [
        ("10.1.1.256", ""),
        ("fe80::1%eth0", " (leave out the scope after %)"),
        ("10.0.0.0/8", " (leave out the prefix length after /)"),
        ("", ""),
    ],
)
def test_what_is_no_address_is_named(pan, bad, hint):
    with pytest.raises(ValueError) as caught:
        pan.pseudonymize(["10.1.1.1", bad])
    expected = f'addresses must be IPv4 or IPv6 addresses, got "{bad}"{hint}'
    assert str(caught.value) == expected


def test_what_holds_no_text_is_refused(pan):
    with pytest.raises(TypeError) as caught:
        pan.pseudonymize([1, 2])
    assert str(caught.value) == (
        "addresses must hold text, got 1 in row 0 (give IPv4 addresses as text, or as a NumPy "
        'array with .astype("uint32"))'
    )
    with pytest.raises(TypeError, match=r'with \.astype\("uint32"\)\)$'):
        pan.pseudonymize(np.array([5]))
    with pytest.raises(TypeError, match=r"^addresses must hold text, got 5 in row 0 \(give IPv4"):
        privacy.truncate_address([5])
    with pytest.raises(TypeError, match="must be text or a list, array or column of text, got int"):
        pan.pseudonymize(3)
    with pytest.raises(TypeError, match=r"x is a Polars LazyFrame; expected data"):
        privacy.pseudonymize(pl.LazyFrame({"a": ["x"]}), KEY, purpose="p")


# Keys


def test_a_key_is_read_from_bytes_digits_a_file_and_the_environment(tmp_path, monkeypatch):
    digits = REFERENCE.hex()
    expected = privacy.CryptoPan(REFERENCE).pseudonymize("10.1.1.1")
    assert privacy.CryptoPan(digits.upper()).pseudonymize("10.1.1.1") == expected
    KEY.save(tmp_path / "key")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    (tmp_path / "raw").write_bytes(REFERENCE)
    for name in ("key", "raw"):
        key = privacy.Key.from_file(tmp_path / name)
        assert privacy.CryptoPan(key).pseudonymize("10.1.1.1") == expected
    monkeypatch.setenv("LINEWATCH_PRIVACY_KEY", digits)
    assert privacy.CryptoPan(privacy.Key.from_env()).pseudonymize("10.1.1.1") == expected
    with pytest.raises(FileExistsError, match="exists and a key is never overwritten; choose") as e:
        KEY.save(tmp_path / "key")
    assert str(e.value).startswith(str(tmp_path / "key"))


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        (b"x" * 31, "key must be 32 random bytes or 64 hexadecimal digits, got 31 bytes"),
        ("ab" * 31, "got 62 hexadecimal digits"),
        ("correct horse battery staple", "got 25 characters"),
        (b"\0" * 32, "key is too regular: only 1 of its 32 bytes differ"),
        (b"0123456789abcdef" * 2, "key is too regular: only 16 of its 32 bytes differ"),
    ],
)
def test_a_short_or_weak_key_is_refused_without_showing_it(secret, message):
    with pytest.raises(ValueError) as caught:
        privacy.Key(secret)
    assert message in str(caught.value)
    assert "make one with linewatch.privacy.Key.generate()" in str(caught.value)
    shown = secret if isinstance(secret, str) else secret.decode()
    assert shown not in str(caught.value)


def test_a_key_of_another_type_is_refused():
    with pytest.raises(TypeError, match="key must be bytes or text, got int"):
        privacy.CryptoPan(7)


def test_a_missing_key_says_where_it_was_sought(tmp_path, monkeypatch):
    monkeypatch.delenv("LINEWATCH_PRIVACY_KEY", raising=False)
    with pytest.raises(ValueError, match="variable LINEWATCH_PRIVACY_KEY is not set"):
        privacy.Key.from_env()
    monkeypatch.setenv("K", "12")
    with pytest.raises(ValueError, match="environment variable K: key must be 32 random bytes"):
        privacy.Key.from_env("K")
    (tmp_path / "short").write_text("12")
    with pytest.raises(ValueError, match=r"short: key must be 32 random bytes"):
        privacy.Key.from_file(tmp_path / "short")


def test_a_key_does_not_show_itself(pan):
    for thing in (KEY, pan):
        assert REFERENCE.hex() not in repr(thing) and "secret bytes" in repr(thing)
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(thing)


# Identifiers


def test_hmac_is_the_one_of_rfc_4231():
    import hmac

    # Case 2; the standard library computes it, this pins that it does.
    digest = hmac.digest(b"Jefe", b"what do ya want for nothing?", "sha256").hex()
    assert digest.startswith("5bdcc146bf60754e6a042426089575c7")


def test_a_number_has_one_pseudonym_however_it_is_written():
    forms = ["+919876543210", "+91 98765-43210", "00919876543210", "098765 43210", "9876543210"]
    who = privacy.pseudonymize(forms, KEY, purpose="p", kind="msisdn", country_code="+91")
    assert len(set(who)) == 1 and len(who[0]) == 32


def test_purposes_and_keys_separate_pseudonyms():
    a = privacy.pseudonymize("404450123456789", KEY, purpose="fraud")
    assert a == privacy.pseudonymize("404450123456789", KEY, purpose="fraud")
    assert a != privacy.pseudonymize("404450123456789", KEY, purpose="churn")
    assert a != privacy.pseudonymize("404450123456789", privacy.Key.generate(), purpose="fraud")


def test_the_network_of_an_imsi_stays_on_request():
    got = privacy.pseudonymize(
        ["404450123456789", None, "404459999999999"],
        KEY,
        purpose="p",
        kind="imsi",
        keep=5,
        digits=16,
    )
    assert got[1] is None
    assert [g[:6] for g in (got[0], got[2])] == ["40445-"] * 2
    assert got[0] != got[2] and len(got[0]) == 22


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        (
            "98765",
            {"kind": "msisdn"},
            "x must hold telephone numbers with their country (+91...), got '98765' "
            "(country_code= says the country of those without one)",
        ),
        ("1234", {"kind": "imsi"}, "x must hold IMSIs of 14 to 16 digits, got '1234'"),
        ("1234", {"kind": "imei"}, "x must hold IMEIs of 14 to 16 digits, got '1234'"),
        ("a", {"kind": "mac"}, 'kind must be "msisdn", "imsi", "imei" or None, got \'mac\''),
        ("a", {"digits": 8}, "digits must be from 16 to 64, got 8"),
        ("a", {"keep": 9}, "keep must be from 0 to 8, got 9"),
        ("a", {"country_code": "91"}, 'country_code goes with kind="msisdn" only'),
        (
            "a",
            {"kind": "msisdn", "country_code": "India"},
            "country_code must be 1 to 3 digits such as \"91\", got 'India'",
        ),
        ("a", {"purpose": " "}, "purpose must be a text such as \"fraud 2026-11\", got ' '"),
    ],
)
def test_what_cannot_be_pseudonymized_says_why(x, options, message):
    with pytest.raises(ValueError) as caught:
        privacy.pseudonymize([x], KEY, **{"purpose": "p", **options})
    assert str(caught.value) == message


# Truncation and the report


@pytest.mark.parametrize(
    "x",
    [
        ["a", pd.NA, "b"],
        pd.Series(["a", pd.NA, "b"], dtype=object),
        pd.Series(["a", None, "b"], dtype="string"),
        pd.Series(["a", None, "b"], dtype=pd.ArrowDtype(pa.string())),
        pd.array(["a", None, "b"], dtype="string"),
        pd.Index(["a", None, "b"], name="who"),
        pd.Categorical(["a", None, "b"]),
        pa.array(["a", None, "b"]),
        pa.array(["a", None, "b"]).dictionary_encode(),
        pa.chunked_array([["a", None], ["b"]]),
    ],
)
def test_missing_text_stays_missing_in_every_kind_of_column(x):
    key = privacy.Key.generate()
    made = privacy.pseudonymize(x, key, purpose="fraud")
    found = made.to_pylist() if isinstance(x, pa.Array | pa.ChunkedArray) else list(made)
    assert [found[0], found[2]] == privacy.pseudonymize(["a", "b"], key, purpose="fraud")
    assert pd.isna(found[1])
    assert getattr(made, "name", None) == getattr(x, "name", None)
    assert isinstance(made, list | pd.Series | pd.Index) == isinstance(
        x, list | pd.Series | pd.Index
    )


def test_a_table_is_no_column_of_text():
    with pytest.raises(TypeError) as error:
        privacy.truncate_address(pa.table({"sa": ["10.0.0.1"]}))
    text = "addresses must be text or a list, array or column of text, got Table"
    assert str(error.value) == text


def test_an_identifier_is_never_kept_whole():
    with pytest.raises(ValueError) as error:
        privacy.pseudonymize(["alice", "bob"], privacy.Key.generate(), purpose="fraud", keep=3)
    assert str(error.value) == "keep is 3, which leaves all of 'bob' readable"


def test_a_report_names_each_column_once():
    users = pl.DataFrame({"_rows": [1, 1, 2]})
    assert privacy.privacy_report(users, "_rows", k=2)["unique_rows"].item() == 1
    with pytest.raises(ValueError) as error:
        privacy.privacy_report(users, ["_rows", "_rows"])
    assert str(error.value) == "quasi_identifiers names a column twice: _rows, _rows"


def test_truncated_addresses_keep_their_first_bits(rng):
    texts = ["192.0.2.77", None, "2001:db8:1:2::3", "::ffff:10.1.2.3"]
    expected = ["192.0.2.0", None, "2001:db8:1::", "::"]
    assert privacy.truncate_address(texts) == expected
    assert privacy.truncate_address("192.0.2.77", v4=0) == "0.0.0.0"
    assert privacy.truncate_address("192.0.2.77", v4=32) == "192.0.2.77"
    x = rng.integers(0, 2**32, 100, dtype=np.uint32)
    for bits in (0, 1, 24, 32):
        got = privacy.truncate_address(x, v4=bits)
        assert got.dtype == np.uint32
        net = [int(ipaddress.ip_network((int(a), bits), strict=False).network_address) for a in x]
        np.testing.assert_array_equal(got, net)
    with pytest.raises(ValueError, match="v4 must be from 0 to 32 bits, got 33"):
        privacy.truncate_address(texts, v4=33)
    with pytest.raises(ValueError, match="^addresses must hold IPv4 or IPv6 addresses, got 'host'"):
        privacy.truncate_address(["host"])


@pytest.mark.parametrize("frame", [pl.DataFrame, pd.DataFrame, pa.table])
def test_the_report_counts_who_stands_alone(frame):
    table = frame({"home": ["A", "A", "A", "B", None], "phone": ["x", "x", "y", "x", "x"]})
    report = privacy.privacy_report(table, ["home", "phone"], k=3)
    got = nw.from_native(report).to_dict(as_series=False)
    assert got["columns"] == ["home", "phone", "home, phone"]
    assert got["groups"] == [3, 2, 4]
    assert got["k_anonymity"] == [1, 1, 1]
    assert got["unique_rows"] == [2, 1, 3]
    assert got["rows_below_k"] == [2, 1, 5]
    assert got["share_below_k"] == pytest.approx([0.4, 0.2, 1.0])
    assert type(report) is type(table)


def test_a_report_on_nothing_or_of_nothing():
    empty = pl.DataFrame({"home": pl.Series([], dtype=pl.String)})
    assert privacy.privacy_report(empty, "home").row(0) == ("home", 0, 0, 0, 0, 0.0)
    for columns, k, message in [
        (["cell"], 5, 'column "cell" is missing; the table has "home"'),
        ([], 5, "quasi_identifiers must name at least one column, got none"),
        (["home"], 1, "k must be a whole number from 2 on, got 1"),
    ]:
        with pytest.raises(ValueError) as caught:
            privacy.privacy_report(empty, columns, k=k)
        assert str(caught.value) == message


@pytest.mark.parametrize("n", [0, 1, 7, 5_000])
@pytest.mark.parametrize("distinct", [1, 40, 100_000])
def test_a_polars_column_has_the_pseudonyms_of_its_texts(n, distinct, rng):

    pan = privacy.CryptoPan(KEY)
    numbers = rng.integers(0, distinct, n)
    texts = [None if k % 5 == 3 else f"10.{k >> 16}.{k >> 8 & 255}.{k & 255}" for k in numbers]
    expected = [None if text is None else pan.pseudonymize(text) for text in texts]
    column = pl.Series("sa", texts, pl.String)
    assert pan.pseudonymize(column).to_list() == pan.pseudonymize(texts) == expected
    coded = pan.pseudonymize(column.cast(pl.Categorical))
    assert coded.to_list() == expected and coded.name == "sa" and coded.dtype == pl.String
