"""The texts of the spoken prompts, by language and by name. After a change: `python -m media.prompts.make`."""


def _digits(*words: str) -> dict[str, str]:
    return {str(number): word for number, word in enumerate(words)}


TEXTS = {
    "en": {
        "press-one": "A visitor is at the door. To talk to the visitor, press 1.",
        "code": "To open the door, press",
        "star-again": "To hear this again, press star.",
        "door-open": "The door is open.",
        "wrong-code": "This code is wrong.",
        "no-more-codes": "The door cannot be opened in this call any more.",
        "door-failed": "The door could not be opened.",
        "calling-home": "Calling the home.",
        "calling-phones": "Calling the mobile phone.",
        "calling-telephone": "Calling the telephone.",
        "calling-guard": "Calling the property management.",
        "no-answer": "Nobody answered.",
        "busy": "The line is busy.",
        "declined": "The call was declined.",
        "unreachable": "Nobody can be reached.",
        "guards-busy": "All guards are busy. Please wait.",
        "leave-message": "Please leave a message after the tone. To finish, press any key.",
        "message-left": "Thank you. Your message has been saved.",
        "message-failed": "Your message could not be saved.",
        "your-position": "Your position in the queue is",
        **_digits("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    },
    "zh": {
        "press-one": "门口有访客。与访客通话请按一。",
        "code": "开门请按",
        "star-again": "重听请按星号键。",
        "door-open": "门已打开。",
        "wrong-code": "密码错误。",
        "no-more-codes": "本次通话不能再开门。",
        "door-failed": "开门失败。",
        "calling-home": "正在呼叫住户。",
        "calling-phones": "正在呼叫手机。",
        "calling-telephone": "正在呼叫电话。",
        "calling-guard": "正在呼叫物业管理处。",
        "no-answer": "无人应答。",
        "busy": "对方正忙。",
        "declined": "对方已拒接。",
        "unreachable": "无法接通。",
        "guards-busy": "所有管理员正忙。请稍候。",
        "leave-message": "请在提示音后留言。按任意键结束。",
        "message-left": "谢谢。您的留言已保存。",
        "message-failed": "留言未能保存。",
        "your-position": "您的排队位置是",
        **_digits(*"零一二三四五六七八九"),
    },
}
