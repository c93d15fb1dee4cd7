"""What lasts is said once, and again when it changes, when it is over, or after a long time."""

import math

from cvzmpi.messages.said_once import SaidOnce


def test_what_lasts_is_said_once_and_again_when_it_changes():
    lines = []
    said = SaidOnce(lines.append)
    for line in ("no route", "no route", "port 4711 refused", "port 815 refused", "no route"):
        said.tell(line)
    assert lines == ["no route", "port 4711 refused", "no route"]


def test_its_end_is_said_where_it_was_said():
    lines = []
    said = SaidOnce(lines.append)
    said.over("back")
    said.tell("away")
    said.over("back")
    said.over("back")
    said.tell("away")
    assert lines == ["away", "back", "away"]


def test_what_lasts_for_long_is_said_again():
    lines = []
    said = SaidOnce(lines.append, again=0.0)
    said.tell("away")
    said.tell("away")
    assert lines == ["away", "away"]


def test_a_new_state_soon_after_the_last_line_is_not_said_and_neither_is_its_end():
    lines = []
    said = SaidOnce(lines.append, again=math.inf, quiet=60.0)
    for reason in ("cut", "too slow"):
        said.tell(f"waiting: {reason}", "waiting")
        said.tell(f"waiting: {reason} again", "waiting")
        said.over("there after {seconds} s")
    assert lines == ["waiting: cut", "there after 0 s"]
