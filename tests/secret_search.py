# SPDX-License-Identifier: MIT OR Apache-2.0
"""A search for secrets in what a program prints, and the proof that it finds them."""

import base64
import urllib.parse

WINDOW = 8  # so many characters of a secret give it away


def traces_of(secret):
    """Every text that would give the secret away."""
    forms = {secret, urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret)}
    traces = {form[at : at + WINDOW] for form in forms for at in range(max(1, len(form) - WINDOW + 1))}
    traces.add(secret.encode().hex())
    # Base64 of the secret wherever it stands within what was encoded.
    for before in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * before + secret.encode()).decode().rstrip("=")
            traces.add(text[0 if before == 0 else 4 : -2])
    return {trace.lower() for trace in traces if len(trace) >= min(WINDOW, len(secret))}


def found_in(text, secrets):
    """The names of those secrets, of a mapping of name to secret, that the text gives away."""
    low = text.lower()
    return sorted(name for name, secret in secrets.items() if any(trace in low for trace in traces_of(secret)))


def faults():
    """Plants a secret in each of the forms and returns those in which it was not found."""
    secret = "mIpxk84FI1+pc7cP7n/dFLfgQQ=="
    plain = secret.encode()
    planted = {
        "as it is": secret,
        "eight characters of it": f"...{secret[7:15]}...",
        "in capitals": secret.upper(),
        "percent-encoded": urllib.parse.quote(secret, safe=""),
        "in hexadecimal": plain.hex(),
        **{f"in Base64 at {at}": base64.b64encode(b"id:"[at:] + plain).decode() for at in range(3)},
    }
    missed = [f"not found: a planted secret {how}" for how, text in planted.items() if not found_in(text, {"it": secret})]
    if found_in("sub aafb6774-3f39-4fee-b300-ebcd25e76127", {"it": secret}):
        missed.append("found: a secret that is not there")
    return missed
