"""What is secret does not leave; what is not, stays readable."""

from watership_operator.plugin.redaction import HIDDEN, Redaction, secret_without_values


def test_known_values_vanish_wherever_they_stand():
    hide = Redaction(["hunter22", "line one\nline two"])
    assert hide.text("login with hunter22 failed") == f"login with {HIDDEN} failed"
    assert hide.value({"env": [{"name": "X", "value": "hunter22"}]}) == {"env": [{"name": "X", "value": HIDDEN}]}


def test_what_looks_like_a_password_vanishes_too():
    hide = Redaction([])
    assert hide.text("default_pass = abc\nheartbeat = 30") == f"default_pass = {HIDDEN}\nheartbeat = 30"
    assert hide.text("amqp://me:abc@host:5672/") == f"amqp://me:{HIDDEN}@host:5672/"
    assert hide.value({"password_hash": "abc", "name": "me"}) == {"password_hash": HIDDEN, "name": "me"}


def test_short_values_do_not_blot_out_ordinary_words():
    assert Redaction(["a", "no"]).text("no queue is full") == "no queue is full"


def test_names_of_secrets_and_keys_stay():
    secret = {"metadata": {"name": "app", "annotations": {"x": "y"}}, "type": "Opaque", "data": {"password": "YWJj"}}
    shown = secret_without_values(secret)
    assert shown["metadata"] == {"name": "app"}
    assert list(shown["data"]) == ["password"]
    assert "YWJj" not in str(shown)
