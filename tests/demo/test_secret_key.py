"""The secret key that the demo site makes for itself."""

from pathlib import Path

from demo_site.secret_key import read_or_make_secret_key


def test_the_key_is_made_once_and_read_ever_after(tmp_path: Path) -> None:
    key = read_or_make_secret_key(tmp_path / "data" / "key")

    assert len(key) >= 50
    assert read_or_make_secret_key(tmp_path / "data" / "key") == key


def test_only_its_owner_may_read_the_key(tmp_path: Path) -> None:
    read_or_make_secret_key(tmp_path / "key")

    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_two_sites_have_different_keys(tmp_path: Path) -> None:
    assert read_or_make_secret_key(tmp_path / "a") != read_or_make_secret_key(tmp_path / "b")
