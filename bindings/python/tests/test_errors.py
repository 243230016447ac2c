# SPDX-License-Identifier: MIT OR Apache-2.0
"""One tree of exceptions."""

import copy
import pickle
import re

import pytest

import ciba
from ciba import _ciba, _errors

CLASSES = [value for value in vars(ciba).values() if isinstance(value, type) and issubclass(value, BaseException)]


def test_everything_is_a_ciba_error_and_no_other_tree_has_it():
    assert len(CLASSES) == 15
    for error in CLASSES:
        assert issubclass(error, ciba.CibaError) and error.__module__ == "ciba" and error.__doc__
    assert issubclass(ciba.InvalidInput, ValueError) and not issubclass(ciba.UsageError, ValueError)
    outcomes = [ciba.Denied, ciba.Expired, ciba.Cancelled, ciba.Unknown, ciba.HandedOver, ciba.Failed]
    for error in CLASSES:
        assert len([outcome for outcome in outcomes if issubclass(error, outcome)]) <= 1


def test_status_names_and_numbers_are_those_of_the_library():
    assert [(status.name, status.value) for status in ciba.Status] == [row[:2] for row in _ciba.STATUSES]


@pytest.mark.parametrize(("name", "number", "text"), _ciba.STATUSES)
def test_each_status_has_its_class(name, number, text):
    error = _errors.from_status(number, text, None, None, None, None)
    bands = {
        range(10, 100): ciba.UsageError, range(100, 200): ciba.TransportError, range(200, 250): ciba.ProviderError,
        range(250, 300): ciba.CibaError, range(300, 400): ciba.TokenError, range(400, 500): ciba.DiscoveryError,
        range(500, 501): ciba.HandedOver, range(501, 600): ciba.SavedFlowError, range(600, 700): ciba.CibaError, range(900, 1000): ciba.InternalError,
    }  # fmt: skip
    if number < 10:
        return  # no errors
    (band,) = [kind for numbers, kind in bands.items() if number in numbers]
    assert isinstance(error, band) and error.status.name == error.status_name == name
    if 250 <= number < 300:
        assert type(error).__name__.upper() == name
    asked_in = {"INVALID_UTF8", "UNKNOWN_NAME", "INVALID_VALUE", "MISSING_SETTING", "CONFLICTING_SETTINGS"}
    assert isinstance(error, ValueError) == (name in asked_in | {"INVALID_AUTHENTICATION_REQUEST"})


@pytest.mark.parametrize("error", CLASSES)
def test_errors_can_be_pickled_and_copied(error):
    one = error("text", ciba.Status.DENIED, oauth_error="a", oauth_error_description="b", http_status=400, retry_after=1.5)
    one.note = "kept"
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        for other in (pickle.loads(pickle.dumps(one, protocol)), copy.copy(one), copy.deepcopy(one)):
            assert type(other) is error and str(other) == "text" and other.args == one.args
            assert vars(other) == vars(one) and other.status is ciba.Status.DENIED


def test_errors_of_the_library_can_be_pickled(provider):
    provider.fault("start", {"answer": {"status": 429, "headers": [["retry-after", "7"]],
                                        "body": '{"error":"unknown_user_id","error_description":"nobody"}'}})  # fmt: skip
    with pytest.raises(ciba.ProviderError) as raised:
        provider.client().init(login_hint="alice")
    error = pickle.loads(pickle.dumps(raised.value))
    assert error.status is ciba.Status.UNKNOWN_USER_ID and error.http_status == 429 and error.retry_after == 7.0
    assert (error.oauth_error, error.oauth_error_description) == ("unknown_user_id", "nobody")
    assert "nobody" not in str(error) + repr(error), "the description may name the person"


def test_an_exception_is_of_the_class_of_the_flows_outcome(provider):
    # What ends a flow, and what its outcome is called.
    cases = {
        "deny after 0 s": ciba.Denied,
        "fail expired_token after 0 s": ciba.Expired,
        "fail invalid_grant after 0 s": ciba.Failed,
        "fail odd.Code_7 after 0 s": ciba.Failed,
    }
    for phrase, outcome in cases.items():
        flow = provider.client().init(login_hint="alice", binding_message=phrase)
        with pytest.raises(outcome) as error:
            flow.poll()
        assert flow.outcome.name == outcome.__name__.upper()
        assert re.fullmatch(r"[^\n]+", str(error.value))
    assert error.value.oauth_error == "odd.Code_7" and isinstance(error.value, ciba.ProviderError)
