// What happens, newest first, in words.

const LIMIT = 200;
const SILENT = new Set(["indicator", "process", "scene", "registered", "state"]);
const WORDS = {
  key: (f) => `key ${f.key}`,
  button: (f) => `button ${f.button}`,
  lock: (f) => (f.unlocked ? "unlocked" : "locked"),
  door_contact: (f) => (f.open ? "the door opens" : "the door closes"),
  tamper_switch: (f) => (f.open ? "the case is opened" : "the case is closed"),
  fault: (f) => f.fault.replace("-", " "),
};
const GOOD = new Set(["answered", "audio-started", "unlock"]);
const BAD = new Set(["fault", "device-lost", "alarm", "lockout", "registration-lost", "refused"]);

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
    item.classList.toggle("bad", BAD.has(event) || facts.granted === false);
    this.list.prepend(item);
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
  return told ? `${event.replaceAll("-", " ")}: ${told}` : event.replaceAll("-", " ");
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
