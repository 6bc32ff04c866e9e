// The servers between the devices: what each is for, whether it works, and a switch to make it go wrong.

import { request } from "./api.js";

const KINDS = { cloud: "Cloud server", management: "Management server", homelink: "HomeLink" };
const STATES = { up: "Works", silent: "Silent", down: "Down" };
const END = { silent: "speaks", down: "up" };

export class Servers {
  constructor(root, act) {
    Object.assign(this, { root, act });
    this.chips = new Map();
  }

  build(servers) {
    this.chips.clear();
    this.root.replaceChildren(...Object.entries(servers).map(([name, title]) => this.chip(name, title)));
  }

  chip(name, title) {
    const chip = document.createElement("div");
    chip.className = "server";
    chip.id = `server-${name}`;
    const head = document.createElement("p");
    const what = document.createElement("b");
    what.textContent = KINDS[name] ?? name;
    head.append(what, ` ${title === "Cloud" ? "" : title}`);
    const states = document.createElement("div");
    states.className = "states";
    states.setAttribute("role", "group");
    states.setAttribute("aria-label", `${what.textContent}: state`);
    for (const [state, words] of Object.entries(STATES)) states.append(this.choice(name, state, words));
    chip.append(head, states);
    this.chips.set(name, chip);
    return chip;
  }

  choice(name, state, words) {
    const button = document.createElement("button");
    button.textContent = words;
    button.dataset.state = state;
    button.onclick = () => this.act(this.become(name, state));
    return button;
  }

  /** What is wrong ends first, then the next thing goes wrong. */
  async become(name, state) {
    const now = this.chips.get(name).dataset.state;
    if (now === state) return;
    if (now !== "up") await request("/community/faults", { fault: `${name}-${END[now]}` });
    if (state !== "up") await request("/community/faults", { fault: `${name}-${state}` });
  }

  /** `faults` of the community. */
  update(faults) {
    for (const [name, chip] of this.chips) {
      const state = Object.keys(END).find((each) => faults.includes(`${name}-${each}`)) ?? "up";
      chip.dataset.state = state;
      for (const button of chip.querySelectorAll("button")) {
        button.setAttribute("aria-pressed", String(button.dataset.state === state));
      }
    }
  }
}
