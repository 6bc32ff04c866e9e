// What happens, newest first, in words.

const LIMIT = 200;
export const STAGES = { home: "At home", phones: "On 4G", telephone: "Telephone", guard: "Guards" };
const SILENT = new Set(["line", "stage", "indicator", "process", "scene", "state", "door", "locked", "missed-seen"]);
const WORDS = {
  key: (f) => `Key ${f.key}`,
  button: (f) => `Button: ${spaced(f.button)}`,
  lock: (f) => (f.unlocked ? "Lock open" : "Lock closed"),
  door_contact: (f) => (f.open ? "The door opens" : "The door closes"),
  tamper_switch: (f) => (f.open ? "The case is opened" : "The case is closed"),
  fault: (f) => `Fault: ${spaced(f.fault)}`,
  registered: () => "Registered",
  "registration-lost": (f) => `Not registered: ${f.code} ${f.reason}`,
  calling: (f) => (f.stage ? `Calls flat ${f.flat}: ${STAGES[f.stage] ?? f.stage}` : `Calls ${f.flat ?? f.to ?? "somebody"}`),
  "stage-over": (f) => `${STAGES[f.stage] ?? f.stage}: ${spaced(f.why)}${f.reason && `, ${f.reason}`}`,
  confirmed: () => "Pressed 1: connected",
  queued: (f) => `All guards are busy: waits at place ${f.position}`,
  queue: (f) => (f.waiting ? `${f.waiting} waiting for a guard` : "Nobody waits for a guard any more"),
  ringing: (f) => (f.caller ? `Rings: ${f.caller}` : "A screen rings"),
  "early-media": (f) => (f.video ? "Sends the picture to a ringing screen" : "A ringing screen wants no picture"),
  "first-picture": (f) => `Shows the first picture ${Math.round(f.after_ms)} ms after the call came`,
  answered: (f) => (f.caller ? `Talks to ${f.caller}` : "Somebody answered"),
  "audio-started": () => "Sound both ways",
  unlock: (f) => (f.granted ? `Unlock granted${f.who ? ` to ${f.who}` : ""}` : `Unlock refused: ${spaced(f.why)}`),
  ended: (f) => `Call over: ${spaced(f.outcome)}`,
  missed: () => "Missed a call",
  held: (f) => (f.on ? "On hold" : "No longer on hold"),
  message: () => "The visitor may speak after the tone",
  "message-over": (f) => `The message ends: ${f.why}`,
  "message-kept": (f) => `A message of ${Math.round(f.seconds)} s is kept`,
  "message-lost": (f) => `A message is lost: ${f.why}`,
  "message-refused": () => "The visitor leaves no message",
  "message-shown": (f) => `Shows what was left: ${f.kind}, ${f.place}`,
  "message-playing": () => "Plays a message",
  "message-played": (f) => (f.failed ? `A message cannot be played: ${f.failed}` : "A message was played"),
  messages: (f) => (f.new ? `${f.new} new message${f.new > 1 ? "s" : ""}` : "No new messages"),
  watching: (f) => `Watches ${f.target ?? f.targets?.join(", ")}`,
  "watch-picture": (f) => `Watches ${f.target}: the first picture after ${Math.round(f.after_ms)} ms`,
  watched: (f) => `Watches ${f.target} no more: ${f.why}`,
  "messages-lost": () => "The home's server tells nothing of messages",
  store: (f) => (f.trouble ? `Cannot keep messages: ${f.why}` : "Messages can be kept"),
  refused: (f) => `Not possible: ${spaced(f.why)}`,
  alarm: (f) => (f.on ? `Alarm: ${spaced(f.alarm)}` : `Alarm over: ${spaced(f.alarm)}`),
  lockout: (f) => (f.on ? "Too many wrong codes: keypad takes no codes" : "Keypad takes codes again"),
  "do-not-disturb": (f) => (f.on ? "Do not disturb" : "May be disturbed again"),
  "device-lost": (f) => `Lost: ${f.device} (${f.why})`,
  "device-returned": (f) => `Back: ${f.device}`,
};
const GOOD = new Set(["message-kept", "answered", "audio-started", "unlock", "device-returned"]);
const BAD = new Set(["fault", "device-lost", "alarm", "lockout", "registration-lost", "refused", "message-lost", "messages-lost"]);

export class Timeline {
  constructor(list) {
    this.list = list;
    this.offset = 0;
  }

  /** `ms` of the machine's monotonic clock is `time`, seconds since 1970. */
  setClock(ms, time) {
    this.offset = time * 1000 - ms;
  }

  clear() {
    this.list.replaceChildren();
  }

  add(device, { event, ms, facts }) {
    if (SILENT.has(event)) return;
    const item = document.createElement("li");
    item.append(node("time", clock(this.offset + ms)), node("b", device), node("span", words(event, facts)));
    const good = (GOOD.has(event) && facts.granted !== false) || (event === "lock" && facts.unlocked);
    item.classList.toggle("good", good);
    const over = facts.on === false || /-(back|off|up|closed)$/.test(facts.fault ?? "");
    item.classList.toggle("bad", (BAD.has(event) && !over) || facts.granted === false);
    item.ms = ms;
    // Events of two processes arrive in any order; the list is in the order in which they happened.
    const older = [...this.list.children].find((other) => other.ms <= ms) ?? null;
    this.list.insertBefore(item, older);
    if (this.list.childElementCount > LIMIT) this.list.lastElementChild.remove();
  }
}

function node(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

function words(event, facts) {
  if (WORDS[event]) return WORDS[event](facts);
  const details = Object.entries(facts).filter(([key, value]) => key !== "call" && value !== "" && value !== null);
  const told = details.map(([key, value]) => `${key.replaceAll("_", " ")} ${plain(value)}`).join(", ");
  const name = spaced(event);
  return name[0].toUpperCase() + name.slice(1) + (told && `: ${told}`);
}

function spaced(name) {
  return String(name).replaceAll("-", " ");
}

function plain(value) {
  if (value === true) return "yes";
  if (value === false) return "no";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function clock(milliseconds) {
  const moment = new Date(milliseconds);
  const two = (number) => String(number).padStart(2, "0");
  const rest = String(moment.getMilliseconds()).padStart(3, "0");
  return `${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}.${rest}`;
}
