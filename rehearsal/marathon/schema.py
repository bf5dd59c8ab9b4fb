"""Checks a JSON value against a description, with the errors and paths that Marathon's JSON reader gives.

A description is a function (value, path, errors) -> the value in canonical form. Errors are collected in a dict
path -> [codes]; the value that comes back means nothing when there are some.
"""
import re


class Invalid(Exception):
    """422: `details` as [{path, errors}]; message "Invalid JSON" (wrong type) or "Object is not valid" (wrong sense)."""

    def __init__(self, message, errors):
        self.message, self.details = message, [{"path": path, "errors": codes} for path, codes in errors.items()]


def _fail(errors, path, code):
    errors.setdefault(path, []).append(code)


def string(pattern=None, minimum=0, choices=None):
    def check(value, path, errors):
        if not isinstance(value, str):
            _fail(errors, path, "error.expected.jsstring")
        elif len(value) < minimum:
            _fail(errors, path, "error.minLength")
        elif pattern and not re.match(pattern, value):
            _fail(errors, path, "error.pattern")
        elif choices and value not in choices:
            _fail(errors, path, f"error.unknown.enum.literal ({', '.join(choices)})")
        return value
    return check


def number(minimum=None, maximum=None):
    def check(value, path, errors):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            _fail(errors, path, "error.expected.jsnumber")
            return value
        if minimum is not None and value < minimum:
            _fail(errors, path, "error.min")
        if maximum is not None and value > maximum:
            _fail(errors, path, "error.max")
        return float(value)
    return check


def integer(minimum=None, maximum=None):
    inner = number(minimum, maximum)

    def check(value, path, errors):
        checked = inner(value, path, errors)
        if isinstance(checked, float):
            if checked != int(checked):
                _fail(errors, path, "error.expected.int")
            return int(checked)
        return value
    return check


def boolean(value, path, errors):
    if not isinstance(value, bool):
        _fail(errors, path, "error.expected.jsboolean")
    return value


def anything(value, path, errors):
    return value


def array(item, minimum=0, maximum=None):
    def check(value, path, errors):
        if not isinstance(value, list):
            _fail(errors, path, "error.expected.jsarray")
            return value
        if len(value) < minimum:
            _fail(errors, path, "error.minLength")
        if maximum is not None and len(value) > maximum:
            _fail(errors, path, "error.maxLength")
        return [item(each, f"{path}({index})", errors) for index, each in enumerate(value)]
    return check


def mapping(item):
    def check(value, path, errors):
        if not isinstance(value, dict):
            _fail(errors, path, "error.expected.jsobject")
            return value
        return {key: item(each, f"{path}/{key}", errors) for key, each in value.items()}
    return check


REQUIRED = object()


def record(fields):
    """fields: name -> check, or (check, default); default REQUIRED for what must be there. Unknown fields are dropped,
    a null counts as left out. Defaults that are functions are called."""
    def check(value, path, errors, partial=False):
        if not isinstance(value, dict):
            _fail(errors, path, "error.expected.jsobject")
            return value
        result = {}
        for name, field in fields.items():
            inner, default = field if isinstance(field, tuple) else (field, None)
            if value.get(name) is not None:
                result[name] = inner(value[name], f"{path}/{name}", errors)
            elif partial:
                continue
            elif default is REQUIRED:
                _fail(errors, f"{path}/{name}", "error.path.missing")
            elif default is not None:
                result[name] = default() if callable(default) else default
        return result
    return check


def read(check, value, **how):
    """The canonical form of value; Invalid with all errors at once."""
    errors = {}
    result = check(value, "", errors, **how)
    if errors:
        raise Invalid("Invalid JSON", errors)
    return result
