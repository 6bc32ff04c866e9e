// The sound at one device: what its loudspeaker says comes out here, what this microphone hears goes in there.

import { protocols, socketAddress } from "./api.js";

const RATE = 16000;
const LEAD = 0.06; // seconds that sound waits, so that a late frame makes no gap
const LATEST = 0.3;

export class Sound {
  /** @param changed called with whether the user speaks */
  constructor(changed, trouble) {
    this.changed = changed;
    this.trouble = trouble;
  }

  /** Listen at the device `name`, at none for "". Must come from a click: browsers are silent until then. */
  listen(name) {
    this.hush();
    this.socket?.close();
    this.socket = null;
    if (!name) return;
    this.context ??= new AudioContext({ sampleRate: RATE });
    this.context.resume();
    this.next = 0;
    const socket = new WebSocket(socketAddress(`/sound/${name}`), protocols);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.play(new Int16Array(data));
    this.socket = socket;
  }

  play(samples) {
    const buffer = this.context.createBuffer(1, samples.length, RATE);
    buffer.copyToChannel(Float32Array.from(samples, (sample) => sample / 32768), 0);
    const now = this.context.currentTime;
    if (this.next < now || this.next > now + LATEST) this.next = now + LEAD;
    const source = new AudioBufferSourceNode(this.context, { buffer });
    source.connect(this.context.destination);
    source.start(this.next);
    this.next += buffer.duration;
  }

  /** Speak there with this computer's microphone; the simulated person is silent meanwhile. */
  async speak() {
    if (this.stream) {
      this.hush();
      return;
    }
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, channelCount: 1 } });
      await this.context.audioWorklet.addModule("microphone.js");
    } catch (error) {
      this.hush();
      this.trouble(`The microphone cannot be used: ${error.message}`);
      return;
    }
    this.worklet = new AudioWorkletNode(this.context, "microphone", { numberOfOutputs: 0 });
    this.worklet.port.onmessage = ({ data }) => {
      if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(data);
    };
    this.context.createMediaStreamSource(this.stream).connect(this.worklet);
    this.changed(true);
  }

  hush() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.worklet?.disconnect();
    this.stream = this.worklet = null;
    this.changed(false);
  }
}
