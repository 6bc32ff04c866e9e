"""Our settings in PJSUA2's words: library, transport, account, and the options of one command."""

import random
import socket
from collections.abc import Iterable

from endpoints.sip import message
from endpoints.sip.agent import SipSettings
from endpoints.sip.pjsua.library import pj
from endpoints.sip.pjsua.shells import LogBridge
from endpoints.sip.registration import HANDSHAKE
from hal.microphone import SAMPLE_RATE

NARROW = {"PCMU/8000": 253, "PCMA/8000": 252}
CODECS = {"G722/16000": 254, **NARROW}
"""What we speak, by priority; all others are off, so that a session description stays short."""
SUITE = "AES_CM_128_HMAC_SHA1_80"


def library_config(writer: LogBridge) -> pj.EpConfig:
    """No threads of its own, 16 kHz in 20 ms frames, no echo canceller (ours is in the voice path)."""
    config = pj.EpConfig()
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    config.uaConfig.maxCalls = 32
    config.uaConfig.userAgent = "open-video-intercom"
    config.medConfig.clockRate = config.medConfig.sndClockRate = SAMPLE_RATE
    config.medConfig.audioFramePtime = 20
    config.medConfig.maxMediaPorts = 2 * config.uaConfig.maxCalls
    config.medConfig.ecTailLen = 0
    config.medConfig.noVad = True
    config.medConfig.jbInit = config.medConfig.jbMinPre = 20
    config.medConfig.jbMaxPre, config.medConfig.jbMax = 120, 300
    config.logConfig.level = config.logConfig.consoleLevel = writer.pj_level
    config.logConfig.msgLogging = 0
    config.logConfig.decor = 0
    config.logConfig.writer = writer
    return config


def transport_config(settings: SipSettings, options: list[pj.SockOpt]) -> pj.TransportConfig:
    """Where and how we listen; over TLS both sides show a certificate of the authority, TLS 1.2."""
    config = pj.TransportConfig()
    config.port = settings.port
    config.boundAddress = _bound(settings)
    for target in (config.sockOptParams, config.tlsConfig.sockOptParams):
        target.sockOpts = pj.SockOptVector(options if settings.transport != "udp" else [])
    if settings.transport == "tls" and settings.tls:
        tls = config.tlsConfig
        tls.CaListFile, tls.certFile = str(settings.tls.authority), str(settings.tls.certificate)
        tls.privKeyFile = str(settings.tls.key)
        tls.method, tls.proto = pj.PJSIP_TLSV1_2_METHOD, pj.PJ_SSL_SOCK_PROTO_TLS1_2
        tls.verifyServer = tls.verifyClient = tls.requireClientCert = True
        tls.msecTimeout = round(1000 * HANDSHAKE)
    return config


def keep_alive_options(seconds: int) -> list[pj.SockOpt]:
    """Socket options: a dead server shows while nothing is sent, and no message waits for another's TCP ACK.

    The library keeps pointers into these objects, so they must live as long as the transport, and takes four at most.
    """
    tcp = socket.IPPROTO_TCP
    values = (
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (tcp, socket.TCP_KEEPIDLE, seconds),
        (tcp, socket.TCP_USER_TIMEOUT, 2000 * seconds),
        (tcp, socket.TCP_NODELAY, 1),
    )
    return [pj.SockOpt(level, name, value) for level, name, value in values]


def account_config(settings: SipSettings, transport: int) -> pj.AccountConfig:
    """The account: who we are, where we register, and what our calls support."""
    config = pj.AccountConfig()
    name = message.quoted(settings.display_name) + " " if settings.display_name else ""
    config.idUri = f"{name}<sip:{settings.user}@{settings.domain}>"
    config.sipConfig.transportId = transport
    _configure_registration(config, settings)
    _configure_media(config.mediaConfig, settings)
    config.callConfig.prackUse = pj.PJSUA_100REL_OPTIONAL
    config.callConfig.timerUse = pj.PJSUA_SIP_TIMER_OPTIONAL
    config.callConfig.timerSessExpiresSec = max(90, settings.session_timer)
    config.natConfig.udpKaIntervalSec = settings.keep_alive
    config.natConfig.sipOutboundUse = False
    config.natConfig.sdpNatRewriteUse = False
    config.ipChangeConfig.hangupCalls = False
    return config


def _configure_registration(config: pj.AccountConfig, settings: SipSettings) -> None:
    if settings.password:
        user = settings.auth_user or settings.user
        config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", settings.realm, user, 0, settings.password))
    for login in settings.logins:
        config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", login.realm, login.user, 0, login.password))
    if settings.registrar:
        config.regConfig.registrarUri = settings.registrar
        config.regConfig.proxyUse = 0
    if settings.registrar and settings.through_registrar:
        config.sipConfig.proxies.append(f"<{settings.registrar};lr;hide>")
    config.regConfig.registerOnAdd = False
    config.regConfig.timeoutSec = settings.expires
    config.regConfig.retryIntervalSec = 0  # ours: in seconds, with jitter, and slowly after a refusal
    config.regConfig.unregWaitMsec = 500
    if settings.preference is not None:
        config.regConfig.contactParams = f";q={settings.preference:.1f}"


def _configure_media(media: pj.AccountMediaConfig, settings: SipSettings) -> None:
    media.transportConfig.boundAddress = _bound(settings)
    media.transportConfig.port = random.randrange(16384, 40000, 2)
    media.transportConfig.portRange = 8000
    # Its re-INVITE or UPDATE after the answer would say "inactive" for our picture, which it does not know.
    media.lockCodecEnabled = False
    media.srtpUse = pj.PJMEDIA_SRTP_MANDATORY if settings.srtp else pj.PJMEDIA_SRTP_DISABLED
    media.srtpSecureSignaling = 1 if settings.srtp and settings.transport == "tls" else 0
    suite = pj.SrtpCrypto()
    suite.name = SUITE
    media.srtpOpt.cryptos.append(suite)
    media.srtpOpt.keyings.append(pj.PJMEDIA_SRTP_KEYING_SDES)


def _bound(settings: SipSettings) -> str:
    return "" if settings.address in ("0.0.0.0", "::") else settings.address


def call_options(headers: Iterable[tuple[str, str]] = (), status: int = 0) -> pj.CallOpParam:
    """Options of one command: more headers, and a status code where it is an answer."""
    parameter = pj.CallOpParam(True)
    parameter.opt.videoCount = 0
    parameter.statusCode = status
    parameter.txOption.headers = header_vector(headers)
    return parameter


def header_vector(headers: Iterable[tuple[str, str]]) -> pj.SipHeaderVector:
    """Names and values as the library's headers."""
    vector = pj.SipHeaderVector()
    for name, value in headers:
        header = pj.SipHeader()
        header.hName, header.hValue = name, value
        vector.append(header)
    return vector
