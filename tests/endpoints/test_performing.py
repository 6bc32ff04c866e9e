"""What doors and screens do alike."""

from typing import get_args
from unittest.mock import create_autospec

from endpoints.actions import Answer, CommonAction
from endpoints.performing import common_table
from endpoints.runtime import Loop
from endpoints.sip.agent import SipAgent
from endpoints.sound import Sound


def test_every_common_action_can_be_done_but_the_answer_which_is_each_apps_own() -> None:
    agent, sound, loop = (create_autospec(kind, instance=True) for kind in (SipAgent, Sound, Loop))
    table = common_table(agent, sound, loop, lambda event, facts: None)
    assert set(table) == set(get_args(CommonAction)) - {Answer}
