"""What passwords are kept as."""

from __future__ import annotations

from hub.services.accounts.passwords import PasswordHashing


async def test_a_password_is_kept_by_the_parameters_of_rfc_9106() -> None:
    kept = await PasswordHashing().hash("ferry lantern 7 oblique cobalt")

    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


async def test_the_same_password_in_another_form_of_unicode_is_right() -> None:
    hashing = PasswordHashing()
    kept = await hashing.hash("caf\u00e9 ferry lantern")

    assert await hashing.is_right("cafe\u0301 ferry lantern", password_hash=kept)
    assert not await hashing.is_right("cafe ferry lantern", password_hash=kept)
