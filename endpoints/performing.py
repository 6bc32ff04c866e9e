"""How the actions are done that doors and screens share."""

import logging
from collections.abc import Callable
from typing import Any

from endpoints.actions import (
    CancelTimer,
    Complain,
    HangUp,
    Publish,
    Reject,
    Say,
    StartTimer,
    StartVoice,
    TellTransfer,
    Tone,
)
from endpoints.runtime import Loop
from endpoints.sip.agent import SipAgent
from endpoints.sound import Sound
from hal.service_port import Facts

log = logging.getLogger(__name__)


def common_table(
    agent: SipAgent, sound: Sound, loop: Loop, publish: Callable[[str, Facts], None]
) -> dict[type, Callable[[Any], None]]:
    """Each common action's performer; `Answer` is missing, because what is answered with is each app's own."""
    return {
        Reject: lambda action: agent.reject(action.call, action.code),
        StartVoice: lambda action: sound.start(),
        Say: lambda action: sound.say(action.words),
        TellTransfer: lambda action: agent.tell_transfer(action.call, action.code, action.reason),
        StartTimer: lambda action: loop.start_timer(action.name, action.seconds),
        CancelTimer: lambda action: loop.cancel_timer(action.name),
        Tone: lambda action: sound.tone(action.name),
        HangUp: lambda action: agent.hang_up(action.call, action.reason),
        Publish: lambda action: publish(action.event, action.facts),
        Complain: lambda action: log.warning("%s", action.sentence),
    }
