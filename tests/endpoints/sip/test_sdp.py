"""Reading and writing the H.264 section of session descriptions."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endpoints.errors import SdpError
from endpoints.sip.sdp import (
    SUITE,
    NoVideo,
    answer_direction,
    answer_section,
    offer_section,
    offered_payload_types,
    parse,
    remote_video,
    replace_section,
    video_index,
)
from media.description import SrtpKey, VideoMedia

HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
AUDIO = "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
KEY = SrtpKey(bytes(range(30)), tag=3)
DOOR = VideoMedia("192.0.2.1", 5000, 5001)
SCREEN = VideoMedia("192.0.2.2", 6000, 6001, direction="recvonly")


def video(lines: str, first: str = "m=video 9000 RTP/AVP 96") -> str:
    body = "".join(f"{line}\r\n" for line in lines.split("\n") if line)
    return f"{HEAD}{AUDIO}{first}\r\n{body}"


H264 = "a=rtpmap:96 H264/90000\na=fmtp:96 profile-level-id=42E01F;packetization-mode=1"


def read(text: str, secure: bool = False, prefer: tuple[int, ...] = ()) -> VideoMedia:
    found = remote_video(parse(text), secure, prefer)
    assert isinstance(found, VideoMedia), found
    return found


def reason(text: str, secure: bool = False) -> str:
    found = remote_video(parse(text), secure)
    assert isinstance(found, NoVideo), found
    return found.reason


def test_what_we_offer_is_what_the_other_side_reads() -> None:
    found = read(HEAD + AUDIO + offer_section(DOOR))
    assert found == DOOR


def test_srtp_offer_carries_our_key() -> None:
    door = VideoMedia("192.0.2.1", 5000, 5001, key=KEY)
    text = HEAD + AUDIO + offer_section(door)
    assert f"a=crypto:3 {SUITE} inline:{KEY.inline}" in text
    assert "RTP/SAVP 96 97" in text
    assert read(text, secure=True) == door


def test_offer_has_both_packetization_modes() -> None:
    text = offer_section(DOOR)
    assert "a=fmtp:96 profile-level-id=42e01f;packetization-mode=0" in text
    assert "a=fmtp:97 profile-level-id=42e01f;packetization-mode=1" in text
    assert offered_payload_types(DOOR) == (96, 97)


def test_answer_takes_payload_type_tag_and_protocol_of_the_offer() -> None:
    offer = parse(
        video(
            H264.replace("96", "109")
            + f"\na=crypto:7 {SUITE} inline:{KEY.inline}|2^31\na=rtcp-fb:109 nack pli\na=sendonly",
            "m=video 9000 RTP/SAVPF 97 109",
        )
    )
    index = video_index(offer, secure=True)
    assert index == 1
    screen = VideoMedia("192.0.2.2", 6000, 6001, direction="recvonly", key=SrtpKey(bytes(30)))
    text = answer_section(screen, offer, index)
    assert text.startswith("m=video 6000 RTP/SAVPF 109\r\n")
    assert f"a=crypto:7 {SUITE} inline:{SrtpKey(bytes(30)).inline}" in text
    assert "a=rtcp-fb:* nack pli" in text
    assert "ccm fir" not in text
    assert text.endswith("a=recvonly\r\n")


def test_answer_to_a_door_of_ours_is_read_back_with_its_own_payload_type() -> None:
    offer = parse(HEAD + AUDIO + offer_section(DOOR))
    answer = HEAD + AUDIO + answer_section(SCREEN, offer, 1)
    assert read(answer, prefer=offered_payload_types(DOOR)) == SCREEN


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (H264, "192.0.2.10"),
        ("c=IN IP4 192.0.2.77/127\n" + H264, "192.0.2.77"),
        ("c=IN IP6 2001:db8::1\n" + H264, "2001:db8::1"),
    ],
)
def test_address_of_the_section_wins_over_the_sessions(lines: str, address: str) -> None:
    assert read(video(lines)).address == address


@pytest.mark.parametrize(("line", "port"), [("", 9001), ("a=rtcp:9100", 9100), ("a=rtcp:9100 IN IP4 192.0.2.5", 9100)])
def test_rtcp_port(line: str, port: int) -> None:
    assert read(video(f"{H264}\n{line}")).rtcp_port == port


def test_direction_is_inherited_and_overruled() -> None:
    inherited = HEAD + "a=inactive\r\n" + AUDIO + "m=video 9000 RTP/AVP 96\r\n" + H264.replace("\n", "\r\n") + "\r\n"
    assert read(inherited).direction == "inactive"
    assert read(inherited + "a=recvonly\r\n").direction == "recvonly"
    assert read(video(H264)).direction == "sendrecv"
    assert read(video("c=IN IP4 0.0.0.0\n" + H264)).direction == "inactive"


@pytest.mark.parametrize(
    ("parameters", "mode", "level"),
    [
        ("", 0, "420010"),
        ("a=fmtp:96 profile-level-id=42801E", 0, "42801e"),
        ("a=fmtp:96 packetization-mode=1; profile-level-id=4d001f", 1, "4d001f"),
        ("a=fmtp:96 profile-level-id=640028;packetization-mode=1;sprop-parameter-sets=Z0LA,aM4=", 1, "640028"),
    ],
)
def test_h264_of_many_profiles_is_used(parameters: str, mode: int, level: str) -> None:
    found = read(video(f"a=rtpmap:96 h264/90000\n{parameters}"))
    assert (found.packetization_mode, found.profile_level_id) == (mode, level)


def test_our_own_payload_type_wins_in_an_answer_with_several() -> None:
    both = (
        "a=rtpmap:97 H264/90000\na=fmtp:97 packetization-mode=1\na=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=0"
    )
    text = video(both, "m=video 9000 RTP/AVP 97 96")
    assert read(text).payload_type == 97
    assert read(text, prefer=(96,)).payload_type == 96


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (HEAD + AUDIO, "no m=video"),
        (video(H264, "m=video 0 RTP/AVP 96"), "port 0"),
        (video("a=rtpmap:96 VP8/90000"), "no H.264"),
        (video("a=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=2"), "no H.264"),
        (video(H264, "m=video 9000 UDP/TLS/RTP/SAVPF 96"), "UDP/TLS"),
        (video(H264, "m=video 9000 RTP/SAVP 96"), "plain RTP"),
    ],
)
def test_reason_why_there_is_no_picture(text: str, word: str) -> None:
    assert word in reason(text)


def test_srtp_is_demanded_with_a_key_of_our_suite() -> None:
    assert "demand SRTP" in reason(video(H264), secure=True)
    other = f"a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:{KEY.inline}"
    with_identifier = f"a=crypto:2 {SUITE} inline:{KEY.inline}|2^20|1:4"
    unencrypted = f"a=crypto:2 {SUITE} inline:{KEY.inline} UNENCRYPTED_SRTP"
    text = video(f"{H264}\n{other}\n{with_identifier}\n{unencrypted}", "m=video 9000 RTP/SAVP 96")
    assert SUITE in reason(text, secure=True)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "v=0"),
        ("hello", "x=value"),
        (HEAD + "m=video\r\n", "fewer than three"),
        (HEAD + "m=video port RTP/AVP 96\r\n", "port"),
        (HEAD + "m=video 70000 RTP/AVP 96\r\n", "65535"),
        (HEAD.replace("192.0.2.10", "300.1.1.1"), "not an address"),
        (HEAD.replace("c=IN IP4 192.0.2.10", "c=192.0.2.10"), "c="),
        (video("a=rtpmap:96 H264/90000\na=fmtp:96 profile-level-id=zz"), "profile-level-id"),
        (video("a=rtpmap:xx H264/90000"), "payload type"),
        (video(f"{H264}\na=rtcp:no"), "a=rtcp"),
        (
            HEAD.replace("c=IN IP4 192.0.2.10\r\n", "") + "m=video 9000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n",
            "no c=",
        ),
    ],
)
def test_what_is_wrong_is_said(text: str, word: str) -> None:
    with pytest.raises(SdpError, match=word):
        remote_video(parse(text), secure=False)


@pytest.mark.parametrize("inline", ["inline:!!!", "inline:AAAA"])
def test_broken_keys_are_errors(inline: str) -> None:
    text = video(f"{H264}\na=crypto:1 {SUITE} {inline}", "m=video 9000 RTP/SAVP 96")
    with pytest.raises(SdpError, match="key of a=crypto"):
        remote_video(parse(text), secure=True)


@pytest.mark.parametrize(
    ("wanted", "offered", "answer"),
    [
        ("recvonly", "sendonly", "recvonly"),
        ("recvonly", "sendrecv", "recvonly"),
        ("recvonly", "recvonly", "inactive"),
        ("recvonly", "inactive", "inactive"),
        ("sendonly", "recvonly", "sendonly"),
        ("sendonly", "sendrecv", "sendonly"),
        ("sendrecv", "sendrecv", "sendrecv"),
    ],
)
def test_answered_direction(wanted: str, offered: str, answer: str) -> None:
    assert answer_direction(wanted, offered) == answer


def test_replacing_a_section_that_is_not_there() -> None:
    assert "m=video 1" in replace_section(HEAD + AUDIO + AUDIO, 1, "m=video 1 RTP/AVP 96\r\n")
    with pytest.raises(SdpError, match="1 media sections"):
        replace_section(HEAD + AUDIO, 1, "m=video 1 RTP/AVP 96\r\n")


LINE = st.one_of(
    st.sampled_from([*HEAD.split("\r\n"), *video(H264).split("\r\n"), *offer_section(DOOR).split("\r\n")]),
    st.builds("{}={}".format, st.sampled_from("vocmtsab"), st.text(max_size=40)),
    st.builds("a={}:{}".format, st.sampled_from(["rtpmap", "fmtp", "crypto", "rtcp", "rtcp-fb"]), st.text(max_size=60)),
    st.text(max_size=80),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(LINE, max_size=30), st.booleans())
def test_any_text_is_understood_or_refused_with_an_sdp_error(lines: list[str], secure: bool) -> None:
    text = "\r\n".join(["v=0", *lines])
    try:
        session = parse(text)
        found = remote_video(session, secure)
        session.audio_direction()
    except SdpError:
        return
    if isinstance(found, VideoMedia):
        assert 0 < found.port <= 65535
        assert (found.key is not None) == secure


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_description_cut_anywhere_or_with_a_changed_character(data: st.DataObject) -> None:
    text = HEAD + AUDIO + offer_section(VideoMedia("192.0.2.1", 5000, 5001, key=KEY))
    place = data.draw(st.integers(0, len(text) - 1))
    changed = data.draw(st.sampled_from([text[:place], text[:place] + data.draw(st.characters()) + text[place + 1 :]]))
    with contextlib.suppress(SdpError):
        remote_video(parse(changed), secure=True)
