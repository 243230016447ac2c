#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Signs a person in, and shows what happens.

    CIBA_CLIENT_SECRET=… sign_in.py SETTING=VALUE… -- PARAMETER=VALUE…

for example

    sign_in.py provider=telenor-test client_id=desk-7 -- login_hint=+4799988777

ciba.SETTINGS and ciba.PARAMETERS list the names. Ctrl-C gives up.
Exit code: 0 approved, 1 error, 2 denied, 3 expired, 130 given up.
"""

import os
import sys

import ciba

APPROVED, FAILED, DENIED, EXPIRED, GIVEN_UP = 0, 1, 2, 3, 130
TO_CANCEL = 5.0  # how many seconds the provider has to take note


def say(text: str) -> None:
    print(text, file=sys.stderr)


class Display:
    """What the person at this desk is told."""

    stage = ciba.Stage.STARTING
    polls = 0

    def __call__(self, progress: ciba.Progress) -> None:
        """Called by poll() when something has changed, and about once a second."""
        is_new = progress.stage > self.stage
        if progress.stage is ciba.Stage.PENDING and is_new:
            say("The phone rings. Ctrl-C gives up.")
        elif progress.stage is ciba.Stage.PENDING and progress.polls > self.polls:
            say(f"  not yet; {progress.expires_in or 0:.0f} s left")
        elif progress.stage is ciba.Stage.VERIFYING and is_new:
            say("Answered. The tokens are being verified.")
        self.stage, self.polls = progress.stage, progress.polls


def printable(text: object) -> str:
    """Nothing from outside may steer the terminal."""
    return "".join(c if c.isprintable() else "?" for c in str(text))


def pairs(words: "list[str]") -> "dict[str, str]":
    for word in words:
        if "=" not in word:
            raise ciba.UsageError("a word is not NAME=VALUE", ciba.Status.MISSING_ARGUMENT)
    return dict(word.split("=", 1) for word in words)


def sign_in(words: "list[str]") -> int:
    middle = words.index("--") if "--" in words else len(words)
    # Others on this machine can read a command line: the secret is better in the environment.
    settings = {"client_secret": os.environ.get("CIBA_CLIENT_SECRET", ""), **pairs(words[:middle])}
    request = pairs(words[middle + 1 :])

    with ciba.Client(**settings) as client:  # type: ignore[arg-type]
        # With timeout 0 the flow is here at once: Ctrl-C works while the request is on its way, too.
        flow = client.init(request, timeout=0)
        say("The request is sent.")
        try:
            tokens = flow.poll(on_progress=Display())
        except KeyboardInterrupt:
            try:
                told = flow.cancel(TO_CANCEL)
            except ciba.CibaError:
                told = False
            if not told:
                say("The provider could not be told: the phone may go on ringing.")
            say("Given up.")
            return GIVEN_UP
    say("Approved. These claims have been verified:")
    for name, value in tokens.claims.items():
        print(f"  {printable(name):<20} {printable(value)}")
    return APPROVED


def main() -> int:
    if len(sys.argv) < 2:
        say(f"usage: CIBA_CLIENT_SECRET=… {sys.argv[0]} SETTING=VALUE… -- PARAMETER=VALUE…")
        return FAILED
    try:
        return sign_in(sys.argv[1:])
    except ciba.Denied:
        say("Denied.")
        return DENIED
    except ciba.Expired:
        say("Nobody answered in time.")
        return EXPIRED
    except ciba.CibaError as error:
        say(f"sign_in: CIBA_{error.status_name}: {error}")
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
