// The street side: the door station's panel, its lamp and lock, and the door itself.

import { request } from "./api.js";
import { STAGES } from "./timeline.js";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const NAMES = { "*": "star", "#": "hash" };
const SIGNALS = {
  calling: "Ringing", talking: "Please speak", unlocked: "Please come in", refused: "Not possible",
  alarm: "Alarm", fault: "Out of order",
};
const FORGET = 8000;

export class Door {
  /** @param used called when this door's keys or button are touched: the keyboard belongs to it from then on */
  constructor({ name, place }, act, used) {
    this.name = name;
    this.path = `/devices/${name}`;
    this.act = act;
    this.used = used;
    this.root = document.getElementById("door").content.firstElementChild.cloneNode(true);
    this.root.id = name;
    this.find("h3").textContent = place;
    this.root.setAttribute("aria-label", place);
    this.waiting = ""; // keys that were pressed while others were on their way
    this.keys = new Map(KEYS.map((key) => [key, this.keyButton(key)]));
    this.find(".keys").replaceChildren(...this.keys.values());
    this.find(".ring").onclick = () => this.press("call");
    this.find(".exit").onclick = () => this.press("exit");
    this.find(".push").onclick = () => act(request(`${this.path}/door`, { open: !this.open }));
    this.root.addEventListener("pointerdown", used);
  }

  find(selector) {
    return this.root.querySelector(selector);
  }

  keyButton(key) {
    const button = document.createElement("button");
    button.textContent = key;
    button.setAttribute("aria-label", NAMES[key] ?? key);
    button.onclick = () => this.type(key);
    return button;
  }

  /** Digits work everywhere on the page; Enter calls unless something else has it. Whether the key was for us. */
  keyboard(event) {
    if (this.keys.has(event.key) && !event.repeat) this.type(event.key);
    else if (event.key === "Enter" && !event.target.closest?.("button, summary, a")) this.press("call");
    else return;
    event.preventDefault();
  }

  type(key) {
    const button = this.keys.get(key);
    button.classList.add("down");
    setTimeout(() => button.classList.remove("down"), 120);
    this.waiting += key;
    if (!this.sending) this.act(this.sendKeys());
  }

  /** One request at a time: two at once may overtake each other. */
  async sendKeys() {
    this.sending = true;
    try {
      while (this.waiting) {
        const keys = this.waiting;
        this.waiting = "";
        await request(`${this.path}/keypad`, { keys });
      }
    } finally {
      this.sending = false;
      this.waiting = "";
    }
  }

  press(button) {
    this.act(request(`${this.path}/buttons/${button}`, {}));
  }

  /** Whom the door calls, one after the other, and what came of each. */
  stage(event, facts) {
    const list = this.find(".stages");
    if (event === "stage" && (this.visitOver ?? true)) list.replaceChildren();
    if (event === "stage") this.visitOver = false;
    let now = list.querySelector(`[data-stage="${facts.stage}"]`);
    if (!now && event === "stage") {
      now = document.createElement("li");
      now.dataset.stage = facts.stage;
      now.textContent = STAGES[facts.stage] ?? facts.stage;
      list.append(now);
    }
    if (event === "ended") this.visitOver = true;
    const current = list.lastElementChild;
    const states = { stage: "trying", ringing: "ringing", answered: "answered", "stage-over": "failed" };
    if (event === "ended" && current?.dataset.state !== "answered") states.ended = "failed";
    if (current && states[event]) current.dataset.state = states[event];
    if (current && facts.why) current.title = facts.reason || facts.why;
  }

  /** What the display of the keypad shows is what was typed since the last # or *, for a while. */
  event({ event, facts }) {
    this.stage(event, facts);
    if (event !== "key") return;
    clearTimeout(this.forget);
    const typed = this.find(".typed");
    if (this.done || facts.key === "*") typed.value = "";
    this.done = facts.key === "#";
    if (facts.key !== "*" && facts.key !== "#") typed.value = (typed.value + facts.key).slice(-8);
    this.forget = setTimeout(() => { typed.value = ""; }, FORGET);
  }

  update(device) {
    this.find(".lamp").dataset.signal = device.indicator ?? "";
    this.find(".signal").value = device.running ? SIGNALS[device.indicator] ?? "Welcome" : "Without power";
    const unlocked = device.lock?.unlocked ?? false;
    this.find(".lock").classList.toggle("unlocked", unlocked);
    this.find(".lock").querySelector("use").setAttribute("href", unlocked ? "#i-unlock" : "#i-lock");
    this.find(".lock").querySelector("span").textContent = unlocked ? "Unlocked" : "Locked";
    this.open = device.door_contact?.open ?? false;
    this.find(".leaf").classList.toggle("open", this.open);
    this.find(".ajar").textContent = this.open ? "The door stands open" : "The door is closed";
    this.find(".push").querySelector("span").textContent = this.open ? "Close it" : "Push open";
    this.find(".push").disabled = !this.open && !unlocked;
    this.find(".exit").disabled = !device.buttons.includes("exit");
    this.find(".ring").disabled = !device.buttons.includes("call");
  }

  picture(bitmap) {
    const eye = this.find(".eye canvas");
    eye.parentElement.classList.toggle("live", bitmap !== null);
    if (bitmap) draw(eye, bitmap);
  }
}

/** Puts a picture on a canvas of the same size. */
export function draw(canvas, bitmap) {
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
  }
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
}
