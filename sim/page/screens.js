// A resident's screen: the live picture, the words of the scene, and the buttons that do something now.

import { request } from "./api.js";
import { draw } from "./door.js";

const BUTTONS = {
  answer: ["Answer", "i-call", "a"], decline: ["Decline", "i-hangup", "d"], unlock: ["Unlock", "i-unlock", "u"],
  mute: ["Mute", "i-mute", "m"], hangup: ["Hang up", "i-hangup", "h"], dnd: ["Quiet", "i-dnd", "n"],
};
const SVG = "http://www.w3.org/2000/svg";

export class Screen {
  constructor(device, act) {
    this.path = `/devices/${device.name}`;
    this.act = act;
    this.root = document.getElementById("screen").content.firstElementChild.cloneNode(true);
    this.root.id = device.name;
    this.root.dataset.role = device.role;
    this.find("h3").textContent = device.role === "phone" ? "Phone" : device.name.replace("indoor", "Indoor unit ");
    this.root.setAttribute("aria-label", this.find("h3").textContent);
    this.find("canvas").setAttribute("aria-label", `Live picture on ${device.name}`);
    this.buttons = new Map(Object.keys(BUTTONS).map((name) => [name, this.button(name)]));
    this.find(".buttons").append(...this.buttons.values());
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
    if (name === "dnd") button.title = "Do not disturb";
    button.setAttribute("aria-keyshortcuts", key);
    button.onclick = () => this.act(request(`${this.path}/buttons/${name}`, {}));
    return button;
  }

  keyboard(event) {
    const name = Object.keys(BUTTONS).find((each) => BUTTONS[each][2] === event.key);
    if (name && !event.ctrlKey && !event.metaKey && !event.altKey) this.buttons.get(name).click();
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
      button.hidden = !device.buttons.includes(name);
      button.disabled = !scene.actions.includes(name);
    }
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
