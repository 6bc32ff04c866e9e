// Puts the page together: what arrives goes to door, screens, faults and time line.

import { Live, request } from "./api.js";
import { Calls } from "./calls.js";
import { Door } from "./door.js";
import { Faults } from "./faults.js";
import { Mail } from "./mail.js";
import { Screen } from "./screens.js";
import { Servers } from "./servers.js";
import { Sound } from "./sound.js";
import { Timeline } from "./timeline.js";

const LINK = {
  up: "Live",
  down: "The simulator has ended; waiting for it",
  refused: "Open the address that the simulator printed",
};
const $ = (id) => document.getElementById(id);

const parts = new Map(); // device name -> Door or Screen
const timeline = new Timeline($("timeline"));
const faults = new Faults($("fault-menu"), $("fault-count"), act);
const servers = new Servers($("servers"), act);
const calls = new Calls($("calls"), $("ladder"), $("message"), act);
const mail = new Mail($("mail"), $("film"), act);
const groups = new Map(); // title -> {link, screens: names of the devices in it}
let door; // the one that the keyboard belongs to
const sound = new Sound((on) => $("speak").setAttribute("aria-pressed", on), trouble);

/** Waits for what a click has begun and tells what went wrong. */
function act(promise) {
  promise.then(() => trouble(""), (error) => trouble(error.message));
}

function trouble(words) {
  const place = $("trouble");
  place.textContent = words;
  place.hidden = !words;
  clearTimeout(place.timer);
  place.timer = setTimeout(() => { place.hidden = true; }, 5000);
}

async function build({ devices, servers: there, homes, flat, ms, time, faults: wrong, lines, can_cut: cuttable, can_fill: fillable, mailboxes }) {
  timeline.clear();
  timeline.setClock(ms, time);
  if (parts.size === 0) furnish(devices, homes, flat);
  servers.build(there);
  faults.build(devices, there, fillable);
  faults.buildLines(cuttable ? devices : [], cuttable ? there : {});
  community(wrong, lines);
  devices.forEach(update);
  act(calls.build());
  act(mail.build(mailboxes));
  const logs = await Promise.all(devices.map(({ name }) => request(`/devices/${name}/events`)));
  const past = logs.flatMap((log, index) => log.events.map((event) => [devices[index].name, event]));
  past.sort(([, a], [, b]) => a.ms - b.ms).forEach(([name, event]) => timeline.add(name, event));
}

/** Doors on the street, screens in the room where they are. */
function furnish(devices, homes, flat) {
  $("hint-flat").textContent = flat;
  place("Street", "street-title", "i-door");
  for (const device of devices) {
    const isDoor = device.role === "door-station";
    const part = isDoor ? new Door(device, act, () => { door = part; }) : new Screen(device, act);
    parts.set(device.name, part);
    (isDoor ? $("doors") : room(device, homes)).append(part.root);
    if (isDoor) door ??= part;
    $("listen").append(new Option(isDoor ? `Hear ${device.place}` : `Hear ${device.name}`, device.name));
  }
  document.body.classList.toggle("whole", devices.length > 6);
  place("Calls", "calls-title", "i-steps");
  place("Events", "log-title", "i-list");
}

/** The group of screens that a device belongs to, made when it is the first one there. */
function room(device, homes) {
  const [title, icon] = whereabouts(device, homes);
  if (!groups.has(title)) {
    const section = document.createElement("section");
    const head = document.createElement("h2");
    head.textContent = title;
    head.id = `group-${groups.size}`;
    section.setAttribute("aria-labelledby", head.id);
    const screens = document.createElement("div");
    screens.className = "screens";
    section.className = "group";
    section.append(head, screens);
    $("groups").append(section);
    groups.set(title, { section, screens, link: place(title.split(",")[0], head.id, icon), names: [] });
  }
  const group = groups.get(title);
  group.names.push(device.name);
  group.section.style.setProperty("--span", group.names.length);
  return group.screens;
}

function whereabouts(device, homes) {
  if (device.role === "management-console") return ["Guards", "i-guard"];
  if (device.role === "telephone" || device.server === "cloud") return ["Away", "i-phone"];
  return [`Home ${device.flat}, ${homes[device.flat] ?? ""}`, "i-bell"];
}

/** A link at the foot of a phone-sized window. */
function place(title, target, icon) {
  const link = document.createElement("a");
  link.href = `#${target}`;
  link.innerHTML = `<svg class="icon"><use href="#${icon}"/></svg>`;
  link.append(title);
  $("places").append(link);
  return link;
}

function update(device) {
  parts.get(device.name).update(device);
  faults.update(device.name, device.faults);
  for (const { link, names } of groups.values()) {
    link.classList.toggle("ringing", names.some((name) => parts.get(name)?.ringing));
  }
}

function community(wrong, lines) {
  servers.update(wrong);
  faults.update("", wrong);
  faults.updateLines(lines);
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || $("film").open) return;
  if (!event.target.closest?.("select, input")) door?.keyboard(event);
});
$("listen").onchange = ({ target }) => {
  sound.listen(target.value);
  $("speak").disabled = !target.value;
};
$("speak").onclick = () => sound.speak();
addEventListener("click", ({ target }) => {
  if (!target.closest("#faults")) $("faults").open = false;
});

new Live({
  community: (message) => act(build(message)),
  device: ({ device, faults: wrong, lines }) => {
    update(device);
    community(wrong, lines);
  },
  visit: ({ visit }) => calls.told(visit),
  event: ({ device, event }) => {
    parts.get(device).event?.(event);
    timeline.add(device, event);
    mail.event(event);
  },
  picture: (name, bitmap) => parts.get(name).picture(bitmap),
  link: (state) => {
    $("link").className = `link ${state}`;
    $("link").textContent = LINK[state];
  },
});
