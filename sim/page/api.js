// Talks to the simulator: requests with the token, and one WebSocket for pictures and events.

const KEY = "intercom-token";
export const token = takeToken();

/** The token stands behind the # of the address, or is remembered from before for this tab. */
function takeToken() {
  const given = location.hash.slice(1);
  if (given && !document.getElementById(given)) {
    sessionStorage.setItem(KEY, given);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(KEY) ?? "";
}

export const protocols = ["intercom", token];

export function socketAddress(path) {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
}

/** GET without a body, else POST it as JSON. Throws an Error whose message is a sentence for the user. */
export async function request(path, body) {
  const headers = { Authorization: `Bearer ${token}` };
  const options = { headers };
  if (body !== undefined) {
    options.method = "POST";
    options.body = JSON.stringify(body);
    headers["Content-Type"] = "application/json";
  }
  const answer = await fetch(path, options);
  const facts = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw new Error(typeof facts.detail === "string" ? facts.detail : `The simulator answered ${answer.status}.`);
  }
  return facts;
}

/** A file as an address that an element can show; it must be revoked. */
export async function fetchFile(path) {
  const answer = await fetch(path, { headers: { Authorization: `Bearer ${token}` } });
  if (!answer.ok) throw new Error(`The simulator answered ${answer.status}.`);
  return URL.createObjectURL(await answer.blob());
}

/** Keeps a WebSocket to the simulator open; comes back by itself. */
export class Live {
  /** @param on {community, device, event, picture, link}: what to call with what arrives */
  constructor(on) {
    this.on = on;
    this.names = [];
    document.addEventListener("visibilitychange", () => this.watch());
    this.connect();
  }

  connect() {
    if (!token) {
      this.on.link("refused");
      return;
    }
    const socket = new WebSocket(socketAddress("/live"), protocols);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => (typeof data === "string" ? this.told(JSON.parse(data)) : this.shown(data));
    socket.onclose = () => this.lost();
    this.socket = socket;
  }

  /** Gone, or never let in: a browser does not tell a WebSocket's refusal from any other failure. */
  async lost() {
    const answer = await fetch("/community", { headers: { Authorization: `Bearer ${token}` } }).catch(() => null);
    this.on.link(answer?.status === 401 ? "refused" : "down");
    if (answer?.status !== 401) setTimeout(() => this.connect(), 1000);
  }

  told(message) {
    if (message.type === "community") {
      this.names = message.devices.map((device) => device.name);
      this.watch();
      this.on.link("up");
    }
    this.on[message.type](message);
  }

  async shown(data) {
    const name = this.names[new Uint8Array(data, 0, 1)[0]];
    if (data.byteLength === 1) {
      this.on.picture(name, null);
      return;
    }
    try {
      this.on.picture(name, await createImageBitmap(new Blob([new Uint8Array(data, 1)], { type: "image/jpeg" })));
    } finally {
      this.send({ shown: name });
    }
  }

  /** A page that nobody sees costs nothing. */
  watch() {
    this.send({ watch: document.hidden ? [] : this.names });
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }
}
