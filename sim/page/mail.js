// What visitors left for the homes, newest first: a click plays the film or shows the picture.

import { fetchFile, request } from "./api.js";

const NEWS = new Set(["message-kept", "messages", "message-playing", "unlock", "ended"]);
const SHOWN = 12; // of each home
const PAUSE = 700; // ms: the door hands in what it kept, then the list is asked for
const PICTURES = {
  ring: "Somebody rang", answer: "Call answered", unlock: "Door opened", "wrong-code": "Wrong codes", tamper: "Tampering",
};

export class Mail {
  constructor(section, dialog, act) {
    Object.assign(this, { section, dialog, act });
    this.list = section.querySelector("ol");
    this.cards = new Map(); // id -> its item in the list
    dialog.querySelector("button").onclick = () => dialog.close();
    dialog.onclose = () => this.away();
    dialog.onclick = ({ target }) => { if (target === dialog) dialog.close(); };
  }

  /** @param flats of the homes for which something is kept */
  async build(flats) {
    this.flats = flats;
    this.section.hidden = flats.length === 0;
    this.cards.clear();
    this.list.replaceChildren();
    await this.load();
  }

  event({ event }) {
    if (!NEWS.has(event) || !this.flats?.length) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.act(this.load()), PAUSE);
  }

  /** A home whose server is away keeps what was known of it. */
  async load() {
    const asked = await Promise.allSettled(this.flats.map((flat) => request(`/homes/${flat}/messages`)));
    asked.forEach(({ value }, number) => {
      if (value) this.update(this.flats[number], value.messages.slice(0, SHOWN));
    });
  }

  update(flat, left) {
    const there = new Set(left.map(({ id }) => id));
    for (const [id, card] of this.cards) {
      if (card.dataset.flat === flat && !there.has(id)) {
        card.remove();
        this.cards.delete(id);
      }
    }
    for (const one of left) {
      if (!this.cards.has(one.id)) this.add(flat, one);
      this.cards.get(one.id).classList.toggle("new", one.kind === "message" && !one.read);
    }
  }

  add(flat, one) {
    const card = document.createElement("li");
    card.dataset.flat = flat;
    card.dataset.started = one.started;
    card.dataset.kind = one.kind;
    const button = document.createElement("button");
    const image = document.createElement("img");
    image.alt = "";
    const title = document.createElement("b");
    title.textContent = words(one);
    const details = document.createElement("span");
    details.textContent = `Home ${flat}, ${new Date(one.started).toLocaleTimeString()}`;
    button.append(image, title, details);
    button.onclick = () => this.act(this.open(flat, one));
    card.append(button);
    this.cards.set(one.id, card);
    const older = [...this.list.children].find((other) => Date.parse(other.dataset.started) <= Date.parse(one.started));
    this.list.insertBefore(card, older ?? null);
    this.act(fetchFile(`/homes/${flat}/messages/${one.id}/thumbnail`).then((address) => { image.src = address; }));
  }

  async open(flat, one) {
    const address = await fetchFile(`/homes/${flat}/messages/${one.id}/content`);
    const shown = document.createElement(one.kind === "message" ? "video" : "img");
    if (one.kind === "message") Object.assign(shown, { controls: true, autoplay: true, playsInline: true });
    shown.src = address;
    this.address = address;
    this.dialog.querySelector("h2").textContent = words(one);
    this.dialog.querySelector(".film").replaceChildren(shown);
    this.dialog.showModal();
  }

  away() {
    this.dialog.querySelector(".film").replaceChildren();
    URL.revokeObjectURL(this.address);
  }
}

function words({ kind, event, duration_ms: ms }) {
  return kind === "message" ? `Message, ${Math.round(ms / 1000)} s` : PICTURES[event] ?? "Picture";
}
