// What may go wrong, as switches.

import { request } from "./api.js";

const DEVICE = {
  "camera-gone": ["Camera unplugged", "camera-back", (device) => Boolean(device.camera)],
  "microphone-gone": ["Microphone unplugged", "microphone-back"],
  "speaker-gone": ["Loudspeaker unplugged", "speaker-back"],
  "voicemail-on": ["Voicemail answers", "voicemail-off", (device) => device.role === "telephone"],
  "echo-on": ["Room with echo", "echo-off"],
  "power-cut": ["Power cut", "power-back"],
  "clock-wrong": ["Clock 12 h slow", "clock-right", (device) => device.role === "door-station"],
};

const QUALITIES = {
  good: ["works", {}], cut: ["cut", { cut: true }], lossy: ["loses 10 %", { loss: 0.1 }], bad: ["loses 30 %", { loss: 0.3 }],
  slow: ["0.3 s late", { delay: 0.3 }], slower: ["2 s late", { delay: 2 }],
};

export class Faults {
  constructor(menu, count, act) {
    Object.assign(this, { menu, count, act });
    this.boxes = new Map();
    this.there = new Map();
  }

  build(devices, servers, fillable) {
    this.menu.replaceChildren();
    for (const [name, title] of Object.entries(servers)) {
      const faults = { [`${name}-down`]: ["Down", `${name}-up`], [`${name}-silent`]: ["Silent", `${name}-speaks`] };
      if (fillable.includes(name)) faults[`${name}-full`] = ["Disk full", `${name}-roomy`];
      this.group(`${title} (${name})`, "/community", faults, "");
    }
    for (const device of devices) {
      const faults = Object.entries(DEVICE).filter(([, [, , applies]]) => applies?.(device) ?? true);
      this.group(`${device.place} (${device.name})`, `/devices/${device.name}`, Object.fromEntries(faults), device.name);
    }
  }

  /** The lines between the parties, where they can be cut: each a choice of how good it is. */
  buildLines(devices, servers) {
    this.lines = new Map();
    const pairs = linesOf(devices, Object.keys(servers));
    if (pairs.length === 0) return;
    const head = document.createElement("h3");
    head.textContent = "Lines";
    this.menu.append(head, ...pairs.map((pair) => this.line(pair)));
  }

  line(pair) {
    const select = document.createElement("select");
    for (const [value, [words]] of Object.entries(QUALITIES)) select.append(new Option(words, value));
    select.onchange = () => {
      const body = { between: pair, ...QUALITIES[select.value][1] };
      this.act(request("/community/lines", body).then(({ lines }) => this.updateLines(lines)));
    };
    const label = document.createElement("label");
    label.className = "line";
    label.append(pair.join(" to "), select);
    this.lines.set([...pair].sort().join(), select);
    return label;
  }

  updateLines(lines) {
    const bad = new Map(lines.map((line) => [line.between.join(), line]));
    for (const [pair, select] of this.lines) {
      const now = bad.get(pair);
      const same = ([, how]) => ["cut", "loss", "delay"].every((key) => Number(how[key] ?? 0) === Number(now?.[key] ?? 0));
      select.value = (Object.entries(QUALITIES).find(([, [, how]]) => same(["", how])) ?? [""])[0];
    }
    this.there.set("lines", lines);
    this.tell();
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
    this.tell();
  }

  tell() {
    const total = [...this.there.values()].reduce((sum, each) => sum + each.length, 0);
    this.count.hidden = total === 0;
    this.count.textContent = total;
  }
}

/** Who reaches which server: where a device registers, doors every HomeLink, and a server the one above it. */
function linesOf(devices, servers) {
  const homelinks = servers.filter((name) => name.startsWith("homelink"));
  const own = devices.filter(({ server }) => server).map(({ name, server }) => [name, server]);
  const doors = devices.filter(({ role }) => role === "door-station");
  const visits = doors.flatMap(({ name }) => homelinks.map((server) => [name, server]));
  const chain = servers.includes("cloud") ? [["management", "cloud"], ...homelinks.map((name) => [name, "management"])] : [];
  return [...chain, ...visits, ...own];
}
