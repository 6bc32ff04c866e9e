// What may go wrong, as switches.

import { request } from "./api.js";

const DEVICE = {
  "camera-gone": ["Camera unplugged", "camera-back", (device) => Boolean(device.camera)],
  "microphone-gone": ["Microphone unplugged", "microphone-back"],
  "speaker-gone": ["Loudspeaker unplugged", "speaker-back"],
  "voicemail-on": ["Voicemail answers", "voicemail-off", (device) => device.role === "telephone"],
  "echo-on": ["Room with echo", "echo-off"],
  "power-cut": ["Power cut", "power-back"],
};

export class Faults {
  constructor(menu, count, act) {
    Object.assign(this, { menu, count, act });
    this.boxes = new Map();
    this.there = new Map();
  }

  build(devices, servers) {
    this.menu.replaceChildren();
    for (const [name, title] of Object.entries(servers)) {
      const faults = { [`${name}-down`]: ["Down", `${name}-up`], [`${name}-silent`]: ["Silent", `${name}-speaks`] };
      this.group(`${title} (${name})`, "/community", faults, "");
    }
    for (const device of devices) {
      const faults = Object.entries(DEVICE).filter(([, [, , applies]]) => applies?.(device) ?? true);
      this.group(`${device.place} (${device.name})`, `/devices/${device.name}`, Object.fromEntries(faults), device.name);
    }
  }

  group(title, path, faults, owner) {
    const head = document.createElement("h3");
    head.textContent = title;
    this.menu.append(head);
    for (const [fault, [words, undo]] of Object.entries(faults)) {
      const box = document.createElement("input");
      box.type = "checkbox";
      box.onchange = () => this.act(request(`${path}/faults`, { fault: box.checked ? fault : undo }));
      const label = document.createElement("label");
      label.append(box, words);
      this.menu.append(label);
      this.boxes.set(`${owner} ${fault}`, box);
    }
  }

  /** `faults` of `owner`, "" for the community. */
  update(owner, faults) {
    this.there.set(owner, faults);
    for (const [key, box] of this.boxes) {
      const [whose, fault] = key.split(" ");
      if (whose === owner) box.checked = faults.includes(fault);
    }
    const total = [...this.there.values()].reduce((sum, each) => sum + each.length, 0);
    this.count.hidden = total === 0;
    this.count.textContent = total;
  }
}
