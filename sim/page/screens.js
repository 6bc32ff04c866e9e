// A resident's screen: the live picture, the words of the scene, and the buttons that do something now.

import { request } from "./api.js";
import { draw } from "./door.js";

const BUTTONS = {
  answer: ["Answer", "i-call", "a"], decline: ["Decline", "i-hangup", "d"], unlock: ["Unlock", "i-unlock", "u"],
  mute: ["Mute", "i-mute", "m"], hangup: ["Hang up", "i-hangup", "h"], dnd: ["Quiet", "i-dnd", "n"],
  guard: ["Guard", "i-guard", "g"], emergency: ["Help!", "i-alarm", "e"], call: ["Call", "i-call", "c"],
  callback: ["Call back", "i-call", "b"], transfer: ["Pass on", "i-pass", "t"],
  history: ["Calls", "i-call", "y"], messages: ["Messages", "i-mail", "v"], play: ["Play", "i-play", "p"],
  delete: ["Delete", "i-bin", "x"], monitor: ["Watch", "i-camera", "w"], snapshot: ["Keep", "i-camera", "k"],
  record: ["Record", "i-camera", "r"],
};
const ALWAYS = new Set(["answer", "decline", "unlock", "hangup"]); // the others come when they are of use
const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const TITLES = { dnd: "Do not disturb", emergency: "Emergency: the guards first", transfer: "Pass the call on to another guard" };
const SVG = "http://www.w3.org/2000/svg";

export class Screen {
  constructor(device, act) {
    this.path = `/devices/${device.name}`;
    this.act = act;
    this.root = document.getElementById("screen").content.firstElementChild.cloneNode(true);
    this.root.id = device.name;
    this.root.dataset.role = device.role;
    this.find("h3").textContent = device.place;
    this.root.setAttribute("aria-label", this.find("h3").textContent);
    this.find("canvas").setAttribute("aria-label", `Live picture on ${device.name}`);
    this.buttons = new Map(Object.keys(BUTTONS).map((name) => [name, this.button(name)]));
    this.find(".buttons").append(...this.buttons.values());
    this.find(".pad").append(...KEYS.map((key) => this.key(key)));
    this.root.addEventListener("keydown", (event) => this.keyboard(event));
    this.pictured = false;
    this.update(device);
  }

  find(selector) {
    return this.root.querySelector(selector);
  }

  button(name) {
    const [label, icon, key] = BUTTONS[name];
    const button = document.createElement("button");
    const image = document.createElementNS(SVG, "svg");
    const use = document.createElementNS(SVG, "use");
    use.setAttribute("href", `#${icon}`);
    image.setAttribute("class", "icon");
    image.setAttribute("aria-hidden", "true");
    image.append(use);
    button.append(image, label);
    button.dataset.button = name;
    button.classList.toggle("more", !ALWAYS.has(name));
    if (TITLES[name]) button.title = TITLES[name];
    button.setAttribute("aria-keyshortcuts", key);
    button.onclick = () => this.act(request(`${this.path}/buttons/${name}`, {}));
    return button;
  }

  key(key) {
    const button = document.createElement("button");
    button.textContent = key;
    button.onclick = () => this.act(request(`${this.path}/keypad`, { keys: key }));
    return button;
  }

  /** Letters are buttons; digits are keys where the keypad is open, else they are the door's. */
  keyboard(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const pad = this.find(".dial");
    if (pad.open && !pad.hidden && KEYS.includes(event.key)) {
      this.act(request(`${this.path}/keypad`, { keys: event.key }));
      event.preventDefault();
    }
    const name = Object.keys(BUTTONS).find((each) => BUTTONS[each][2] === event.key);
    if (name) this.buttons.get(name).click();
  }

  update(device) {
    const scene = device.scene ?? { title: "", detail: "", actions: [], live: false };
    this.find(".title").textContent = device.running ? scene.title : "Without power";
    this.find(".detail").textContent = device.running ? scene.detail : "";
    this.find(".dot").textContent = device.running ? "" : "off";
    this.root.classList.toggle("off", !device.running);
    this.ringing = scene.actions.includes("answer");
    this.root.classList.toggle("ringing", this.ringing);
    const focused = this.root.contains(document.activeElement);
    for (const [name, button] of this.buttons) {
      button.disabled = !scene.actions.includes(name);
      button.hidden = !device.buttons.includes(name) || (button.disabled && !ALWAYS.has(name));
    }
    this.find(".dial").hidden = !device.keypad;
    if (scene.actions.includes("keypad")) this.find(".dial").open = true;
    // A button that was pressed and has no use any more would take the keyboard with it.
    if (focused && document.activeElement.disabled) this.root.focus({ preventScroll: true });
    this.live = scene.live;
    this.show();
  }

  picture(bitmap) {
    this.pictured = bitmap !== null;
    if (bitmap) draw(this.find("canvas"), bitmap);
    this.show();
  }

  show() {
    this.find(".glass").classList.toggle("live", this.live);
    this.find("canvas").style.visibility = this.pictured ? "visible" : "hidden";
  }
}
