// Puts the page together: what arrives goes to door, screens, faults and time line.

import { Live, request } from "./api.js";
import { Door } from "./door.js";
import { Faults } from "./faults.js";
import { Screen } from "./screens.js";
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

async function build({ devices, ms, time, faults: there }) {
  timeline.clear();
  timeline.setClock(ms, time);
  if (parts.size === 0) furnish(devices);
  faults.build(devices);
  faults.update("", there);
  devices.forEach(update);
  const logs = await Promise.all(devices.map(({ name }) => request(`/devices/${name}/events`)));
  const past = logs.flatMap((log, index) => log.events.map((event) => [devices[index].name, event]));
  past.sort(([, a], [, b]) => a.ms - b.ms).forEach(([name, event]) => timeline.add(name, event));
}

function furnish(devices) {
  for (const device of devices) {
    const isDoor = device.role === "door-station";
    const part = isDoor ? new Door(device.name, act) : new Screen(device, act);
    parts.set(device.name, part);
    if (!isDoor) $("screens").append(part.root);
    $("listen").append(new Option(isDoor ? "Hear the street" : `Hear ${device.name}`, device.name));
  }
}

function update(device) {
  parts.get(device.name).update(device);
  faults.update(device.name, device.faults);
  $("to-home").classList.toggle("ringing", [...parts.values()].some((part) => part.ringing));
}

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
  device: ({ device, faults: there }) => {
    update(device);
    faults.update("", there);
  },
  event: ({ device, event }) => {
    parts.get(device).event?.(event);
    timeline.add(device, event);
  },
  picture: (name, bitmap) => parts.get(name).picture(bitmap),
  link: (state) => {
    $("link").className = `link ${state}`;
    $("link").textContent = LINK[state];
  },
});
