// The SIP messages of a call as a ladder: a line for each party, an arrow for each message.

import { request } from "./api.js";

const SVG = "http://www.w3.org/2000/svg";
const COLUMN = 128;
const ROW = 24;
const CLOCK = 64;
const HEAD = 34;
const LETTER = 6.6; // width of a letter of a label, about
const PAUSE = 250; // ms without news before the ladder is drawn again

export class Calls {
  constructor(list, ladder, message, act) {
    Object.assign(this, { list, ladder, message, act });
    this.visits = new Map();
    list.onchange = () => this.choose(list.value);
  }

  async build() {
    this.visits.clear();
    this.list.replaceChildren();
    this.chosen = undefined;
    this.ladder.replaceChildren();
    const { visits } = await request("/visits");
    visits.forEach((visit) => this.told(visit));
  }

  /** A call began, or has news. The newest is shown until the user chooses another. */
  told(visit) {
    const known = this.visits.has(visit.session);
    const newest = !known && (this.chosen === undefined || this.chosen === this.list.options[0]?.value);
    this.visits.set(visit.session, visit);
    if (!known) this.list.prepend(new Option("", visit.session));
    this.option(visit.session).textContent = words(visit);
    if (newest) this.choose(visit.session);
    else if (visit.session === this.chosen) this.later();
  }

  option(session) {
    return [...this.list.options].find((each) => each.value === session);
  }

  choose(session) {
    this.chosen = session;
    this.list.value = session;
    this.message.hidden = true;
    this.later();
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.act(this.load()), PAUSE);
  }

  async load() {
    const visit = await request(`/visits/${this.chosen}/messages`);
    if (visit.session === this.chosen) this.draw(visit);
  }

  draw({ parties, messages }) {
    const width = CLOCK + COLUMN * parties.length;
    const height = HEAD + ROW * messages.length + 8;
    const svg = shape("svg", { width, height, viewBox: `0 0 ${width} ${height}` });
    const place = new Map(parties.map((name, number) => [name, CLOCK + COLUMN * (number + 0.5)]));
    for (const [name, x] of place) {
      svg.append(shape("line", { x1: x, x2: x, y1: HEAD - 8, y2: height, class: "life" }));
      svg.append(text(name, x, 16, "party"));
    }
    messages.forEach((message, row) => svg.append(this.arrow(message, place, row, messages[0].ms)));
    this.ladder.replaceChildren(svg);
  }

  arrow(message, place, row, begin) {
    const y = HEAD + ROW * row + 12;
    const [start, end] = [place.get(message.from), place.get(message.to)];
    const tip = end > start ? -7 : 7;
    const group = shape("g", { class: `hop ${kind(message)}`, tabindex: 0, role: "button" });
    const whole = message.times > 1 ? `${message.label} ×${message.times}` : message.label;
    const room = Math.floor((Math.abs(end - start) - 16) / LETTER);
    const label = whole.length > room ? `${whole.slice(0, room - 1)}…` : whole;
    group.append(
      shape("rect", { x: 0, y: y - 15, width: CLOCK + COLUMN * place.size, height: ROW, class: "band" }),
      text(((message.ms - begin) / 1000).toFixed(3), 4, y, "clock"),
      shape("line", { x1: start, x2: end, y1: y + 3, y2: y + 3 }),
      shape("path", { d: `M${end} ${y + 3}l${tip} -4v8z` }),
      text(label, (start + end) / 2, y - 1, "label"),
    );
    if (message.why) group.append(text(message.why, Math.max(start, end) + 8, y + 2, "why"));
    group.append(title(`${message.from} to ${message.to}: ${whole}`));
    group.onclick = () => this.show(message);
    group.onkeydown = ({ key }) => { if (key === "Enter") this.show(message); };
    return group;
  }

  show(message) {
    this.message.textContent = message.text;
    this.message.hidden = false;
  }
}

function words({ caller, called, outcome }) {
  return `${caller} calls ${called}: ${outcome || "..."}`;
}

function kind({ status }) {
  if (!status) return "request";
  return status < 200 ? "progress" : status < 300 ? "good" : "bad";
}

function shape(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function text(words, x, y, name) {
  const element = shape("text", { x, y, class: name });
  element.textContent = words;
  return element;
}

function title(words) {
  const element = shape("title", {});
  element.textContent = words;
  return element;
}
