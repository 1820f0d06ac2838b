"""Run by an interpreter at its start: its clock is wrong by CLOCK_AHEAD_S seconds."""

import datetime
import os
import time

AHEAD_S = float(os.environ.get("CLOCK_AHEAD_S", "0"))
_right = {"time": time.time, "time_ns": time.time_ns}
_datetime, _date = datetime.datetime, datetime.date
_ahead = datetime.timedelta(seconds=AHEAD_S)


class _AnyDatetime(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, _datetime)

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, _datetime)


class WrongDatetime(_datetime, metaclass=_AnyDatetime):
    """The class ``datetime``; only what asks the machine for the time is wrong."""

    def __new__(cls, *arguments, **named):
        return _datetime(*arguments, **named)

    @classmethod
    def now(cls, tz=None):
        return _datetime.now(tz) + _ahead

    @classmethod
    def utcnow(cls):
        return _datetime.now(datetime.UTC).replace(tzinfo=None) + _ahead

    @classmethod
    def today(cls):
        return _datetime.now() + _ahead

    @classmethod
    def fromtimestamp(cls, *arguments, **named):
        return _datetime.fromtimestamp(*arguments, **named)

    @classmethod
    def fromisoformat(cls, text):
        return _datetime.fromisoformat(text)

    @classmethod
    def strptime(cls, *arguments):
        return _datetime.strptime(*arguments)

    @classmethod
    def combine(cls, *arguments, **named):
        return _datetime.combine(*arguments, **named)


time.time = lambda: _right["time"]() + AHEAD_S
time.time_ns = lambda: _right["time_ns"]() + int(AHEAD_S * 1e9)
datetime.datetime = WrongDatetime
