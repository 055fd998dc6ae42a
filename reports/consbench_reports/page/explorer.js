"use strict";

/*
 * The explorer: one object, one of its parts, what every model answered to a click there.
 *
 * The state is in the address: #dataset=…&image=…&object=…&part=…. Whatever changes it, changes the address;
 * `show` paints what the address says. Text from data enters the page through textContent, never as markup.
 */

const data = JSON.parse(document.getElementById("explorer-data").textContent);
const ACCENT = "#ff4d7d";
const state = { object: null, part: 0, order: "own", zoom: "auto", annotation: true };
let shown = []; // objects of the list, in its order
let links = new Map(); // object -> its link in the list

const byId = (id) => document.getElementById(id);

/** An element with attributes and children; text children are text, whatever they contain. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/** Two decimals; what lies exactly between two of them goes to the even one, as `consbench score` prints it. */
function two(value) {
  if (value === null || value === undefined) return "–";
  const betweenTwo = Number.isInteger(8 * value) && !Number.isInteger(4 * value); // an odd number of eighths
  return (betweenTwo ? Math.round(50 * value) / 50 : value).toFixed(2);
}

const imageOf = (object) => data.images[object.image];
const nameOf = (object) => `${object.category} ${object.id}`;
const partName = (object, i) => `${i + 1} ${object.parts[i].category}`;

// ---- order of outputs ---------------------------------------------------------------------------------------

/** Native indices of a click's outputs in the wanted order; ties keep the native order, absent outputs go last. */
function orderOf(click, run) {
  const order = state.order === "own" ? run.order : state.order;
  const outputs = click.area.map((_, k) => k);
  const key = order === "area" ? click.area : order === "score" ? click.score : null;
  const rank = (k) => (click.area[k] === null ? Infinity : key && key[k] !== null ? -key[k] : 0);
  return outputs.sort((a, b) => rank(a) - rank(b) || a - b);
}

const answered = (click) => Boolean(click) && !("failed" in click);
const firstMask = (click, run) => (answered(click) ? orderOf(click, run)[0] : null);

/** IoU of the masks in position 1 of parts i and j; null where one was not answered. */
function agreement(answer, run, i, j) {
  if (i === j) return answered(answer.clicks[i]) ? 1 : null;
  const [a, b] = answer.pairs[`${i}-${j}`] ? [i, j] : [j, i];
  const pair = answer.pairs[`${a}-${b}`];
  if (!pair) return null;
  const [ka, kb] = [firstMask(answer.clicks[a], run), firstMask(answer.clicks[b], run)];
  return pair[ka * answer.clicks[b].area.length + kb];
}

// ---- address ------------------------------------------------------------------------------------------------

function addressOf(object, part = null) {
  const image = imageOf(object);
  const words = { dataset: image.dataset, image: image.id, object: object.id };
  if (part !== null && object.parts[part]) words.part = object.parts[part].id;
  return `#${Object.entries(words).map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join("&")}`;
}

/** Take the state from the address; false where it names no object of this page, which a notice then says. */
function readAddress() {
  const words = new URLSearchParams(location.hash.slice(1));
  if (!words.has("image")) return false;
  const found = data.objects.find((object) => {
    const image = imageOf(object);
    const dataset = words.get("dataset");
    return image.id === words.get("image") && String(object.id) === words.get("object") && (!dataset || dataset === image.dataset);
  });
  byId("stray").hidden = Boolean(found);
  if (!found) return false;
  const part = found.parts.findIndex((p) => String(p.id) === words.get("part"));
  state.object = found;
  state.part = Math.max(part, 0);
  return true;
}

function go(object, part) {
  const here = state.object;
  state.object = object;
  state.part = Math.min(Math.max(part, 0), object.parts.length - 1);
  byId("stray").hidden = true;
  const address = addressOf(object, state.part);
  if (here === object) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  show();
}

// ---- list of objects ----------------------------------------------------------------------------------------

/** Mean of one statistic over the models that are not shown the ground truth (over all, where none is left). */
function meanOf(object, name) {
  const honest = object.answers.filter((answer) => !data.runs[answer.run].privileged);
  const values = (honest.length ? honest : object.answers).map((answer) => answer[name]).filter((v) => v !== null);
  return values.length ? values.reduce((a, b) => a + b, 0) / values.length : null;
}

const SORTS = {
  agreement: (object) => meanOf(object, "agreement") ?? 2,
  object: (object) => meanOf(object, "object") ?? -1,
  part: (object) => meanOf(object, "part") ?? 2,
  best: (object) => -(meanOf(object, "object") ?? -1),
  data: (object) => object.image,
};

function fillList() {
  const [sort, category, words] = [byId("sort").value, byId("category").value, byId("filter").value.toLowerCase()];
  const matches = (object) =>
    (!category || object.category === category) &&
    (!words || `${object.category} ${imageOf(object).id} ${imageOf(object).dataset} ${object.parts.map((p) => p.category).join(" ")}`.toLowerCase().includes(words));
  shown = data.objects.filter(matches).sort((a, b) => SORTS[sort](a) - SORTS[sort](b));
  links = new Map();
  byId("objects").replaceChildren(
    ...shown.map((object) => {
      const link = element(
        "a", { href: addressOf(object), onclick: (event) => follow(event, object) },
        element("bdi", { class: "what" }, nameOf(object)),
        element("span", { class: "numbers" }, `${two(meanOf(object, "object"))} · ${two(meanOf(object, "agreement"))}`),
        element("bdi", { class: "where" }, imageOf(object).id),
      );
      links.set(object, link);
      return element("li", {}, link);
    }),
  );
  byId("count").textContent = `${shown.length} of ${data.objects.length} objects`;
  markCurrent();
}

/** A plain click on a link of the list changes the picture and leaves the page where it is scrolled to. */
function follow(event, object) {
  if (event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go(object, 0);
}

function markCurrent() {
  for (const [object, link] of links) {
    if (object === state.object) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  const link = links.get(state.object);
  const list = byId("objects");
  if (link) list.scrollTop = Math.max(0, link.offsetTop - list.offsetTop - list.clientHeight / 3);
}

// ---- pictures -----------------------------------------------------------------------------------------------

/** The part of the image to show: all of it, or the object with a margin. */
function frameOf(object) {
  const image = imageOf(object);
  const whole = [0, 0, image.width, image.height];
  const box = object.mask && boxOf(decodeMask(object.mask, image.height, image.width), image.height, image.width);
  if (!box || state.zoom === "whole") return whole;
  const [left, top, right, bottom] = box;
  const small = (right - left) * (bottom - top) < 0.12 * image.width * image.height;
  if (state.zoom === "auto" && !small) return whole;
  const margin = Math.max(8, 0.35 * Math.max(right - left, bottom - top));
  return [Math.max(0, left - margin), Math.max(0, top - margin), Math.min(image.width, right + margin), Math.min(image.height, bottom + margin)].map(Math.round);
}

const outlineOf = (object) => (state.annotation ? { code: object.mask, colour: "#ffffff", line: 1.2 } : {});

async function paintScene(object, frame) {
  const canvas = byId("scene");
  const image = imageOf(object);
  const photo = await photographOf(image);
  if (object !== state.object) return;
  const parts = object.parts.map((part, i) => ({ part, current: i === state.part }));
  const layers = [
    ...parts.filter((p) => p.current).map((p) => ({ code: p.part.mask, colour: ACCENT, fill: 0.5, line: 2 })),
    ...(state.annotation ? parts.map((p) => ({ code: p.part.mask, colour: "rgba(255,255,255,0.75)", line: 1 })) : []),
    ...parts.sort((a, b) => a.current - b.current).map((p) => ({ click: p.part.click, colour: p.current ? ACCENT : "#5b6472", current: p.current })),
  ];
  const aspect = (frame[2] - frame[0]) / (frame[3] - frame[1]);
  const wide = Math.min(canvas.parentElement.clientWidth || 480, Math.max(220, 0.55 * window.innerHeight * aspect));
  canvas.style.width = `${Math.round(wide)}px`;
  paint(canvas, { image, photo, frame, layers, wide });
  canvas.setAttribute("aria-label", `Image ${image.id}, ${nameOf(object)}, clicked part ${partName(object, state.part)} of ${object.parts.length}`);
}

/** A picture of one mask with a caption; `code` null means that the record has no masks. */
function tile({ object, frame, code, colour, click, caption, label, current = false, onclick = null }) {
  const canvas = element("canvas", { role: "img", "aria-label": label });
  const words = element("span", { class: "caption" }, ...caption);
  const made = onclick
    ? element("button", { class: "tile", type: "button", "aria-pressed": String(current), onclick }, canvas, words)
    : element("figure", { class: "tile" }, canvas, element("figcaption", {}, words));
  const image = imageOf(object);
  photographOf(image).then((photo) => {
    if (!made.isConnected) return;
    const layers = [{ code, colour, fill: 0.6, line: 1.6 }, outlineOf(object), { click, colour: ACCENT, current: false }];
    paint(canvas, { image, photo, frame, layers, wide: canvas.clientWidth || 150, dim: photo ? 0.42 : 0 });
  });
  return made;
}

// ---- answers ------------------------------------------------------------------------------------------------

const positionColour = (position) => data.positions[position % data.positions.length];
const ROLES = ["object", "part"];

function outputs(object, answer, run, frame) {
  const click = answer.clicks[state.part];
  if (!click) return [element("p", { class: "none" }, "This run was not asked about this part.")];
  if (!answered(click)) return [element("p", { class: "none" }, "The model failed on this click: ", element("bdi", {}, click.failed))];
  return orderOf(click, run).map((k, position) => {
    const absent = click.area[k] === null;
    const role = ROLES[position] ? `${position + 1} · ${ROLES[position]}` : `${position + 1}`;
    const score = click.score ? `score ${two(click.score[k])}, ` : "";
    const caption = [
      element("b", { style: `--swatch: ${positionColour(position)}`, class: "position" }, role),
      element("span", {}, absent ? "no such output" : `object ${two(click.object[k])}`),
      element("span", {}, absent ? "" : `part ${two(click.part[k])}`),
      element("small", {}, `${score}native ${k + 1}${click.masks ? "" : ", mask not stored"}`),
    ];
    return tile({
      object, frame, caption, code: click.masks && click.masks[k], colour: positionColour(position), click: object.parts[state.part].click,
      label: `${run.model}: mask in position ${position + 1}, IoU with the object ${two(click.object[k])}, with the part ${two(click.part[k])}`,
    });
  });
}

function fromEveryPart(object, answer, run, frame) {
  return object.parts.map((part, i) => {
    const click = answer.clicks[i];
    const k = firstMask(click, run);
    const iou = k === null ? null : click.object[k];
    return tile({
      object, frame, current: i === state.part, code: k !== null && click.masks ? click.masks[k] : null, colour: positionColour(0), click: part.click,
      caption: [element("b", {}, String(i + 1)), " ", element("bdi", {}, part.category), element("span", {}, click ? (answered(click) ? `object ${two(iou)}` : "failed") : "not asked")],
      label: `${run.model}: object mask from part ${partName(object, i)}, IoU with the object ${two(iou)}`,
      onclick: () => go(object, i),
    });
  });
}

function matrix(object, answer, run) {
  const numbers = object.parts.map((_, i) => String(i + 1));
  const heads = numbers.map((n, i) => element("th", { scope: "col", title: object.parts[i].category }, n));
  const rows = object.parts.map((part, i) =>
    element(
      "tr", {}, element("th", { scope: "row", title: part.category }, numbers[i]),
      ...object.parts.map((_, j) => {
        const value = agreement(answer, run, i, j);
        const below = value !== null && i !== j && value < data.delta;
        return element(
          "td",
          { class: `${i === j ? "self" : ""} ${below ? "below" : ""}`, style: `--value: ${value ?? 0}`, title: `${partName(object, i)} and ${partName(object, j)}: ${two(value)}${below ? `, below ${data.delta}` : ""}` },
          i === j ? "" : two(value),
        );
      }),
    ),
  );
  const caption = element("caption", { class: "unseen" }, `${run.model}: IoU of the object masks of two parts`);
  return element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": `${run.model}: pairwise IoU` },
    element("table", { class: `matrix ${numbers.length > 9 ? "dense" : ""}` }, caption, element("tr", {}, element("td", {}), ...heads), ...rows));
}

function card(object, answer, frame) {
  const run = data.runs[answer.run];
  const order = state.order === "own" ? run.order : state.order;
  if (order === "score" && answer.clicks.some((click) => answered(click) && !click.score)) {
    return element("article", { class: "answer" }, element("h4", {}, element("bdi", {}, run.model)), element("p", { class: "none" }, "This model gives no scores to order its outputs by."));
  }
  const values = answer.clicks.flatMap((_, i) => answer.clicks.slice(i + 1).map((__, j) => agreement(answer, run, i, i + 1 + j))).filter((v) => v !== null);
  const violated = values.filter((v) => v < data.delta).length;
  const pairs = values.length ? `${violated} of ${values.length} pairs below ${data.delta}` : "one part only: no pair";
  return element(
    "article", { class: "answer" },
    element("h4", {}, element("span", {}, element("bdi", {}, run.model), run.privileged ? "*" : ""), element("small", {}, `${order} order · ${pairs}`)),
    element("div", { class: "columns" },
      element("section", { class: "outputs" }, element("h5", {}, "Its masks for this click"), element("div", { class: "tiles" }, ...outputs(object, answer, run, frame))),
      element("section", { class: "everypart" }, element("h5", {}, "Its object mask from every part"), element("div", { class: "tiles small" }, ...fromEveryPart(object, answer, run, frame))),
      element("section", { class: "pairs" }, element("h5", {}, "IoU between its object masks"), matrix(object, answer, run))),
  );
}

// ---- all together -------------------------------------------------------------------------------------------

function show() {
  const { object, part } = state;
  const image = imageOf(object);
  const frame = frameOf(object);
  byId("which").replaceChildren(element("bdi", {}, nameOf(object)), element("small", {}, "image ", element("bdi", {}, image.id), ` · ${[image.dataset, object.why].filter(Boolean).join(" · ")}`));
  byId("permalink").href = addressOf(object, part);
  byId("parts").replaceChildren(
    ...object.parts.map((p, i) =>
      element("button", { type: "button", "aria-pressed": String(i === part), onclick: () => go(object, i) }, `${i + 1} `, element("bdi", {}, p.category))),
  );
  const hadFocus = document.activeElement && byId("answers").contains(document.activeElement) && document.activeElement.matches(".everypart button");
  const card0 = hadFocus ? [...byId("answers").children].findIndex((c) => c.contains(document.activeElement)) : -1;
  byId("answers").replaceChildren(...object.answers.map((answer) => card(object, answer, frame)));
  if (card0 >= 0) byId("answers").children[card0].querySelectorAll(".everypart button")[part]?.focus();
  paintScene(object, frame);
  markCurrent();
  const said = object.answers.map((answer) => {
    const run = data.runs[answer.run];
    const k = firstMask(answer.clicks[part], run);
    return `${run.model} ${k === null ? "no answer" : two(answer.clicks[part].object[k])}`;
  });
  byId("spoken").textContent = `${nameOf(object)}, part ${partName(object, part)}. IoU with the object: ${said.join(", ")}.`;
}

/** The part, or other object of the page, under a point of the scene: the smallest mask there, else the nearest click. */
function hit(event) {
  const canvas = byId("scene");
  const box = canvas.getBoundingClientRect();
  const [left, top, right, bottom] = frameOf(state.object);
  const x = Math.floor(left + ((event.clientX - box.left) / box.width) * (right - left));
  const y = Math.floor(top + ((event.clientY - box.top) / box.height) * (bottom - top));
  const image = imageOf(state.object);
  const beside = data.objects.filter((object) => imageOf(object) === image && object !== state.object);
  for (const object of [state.object, ...beside]) {
    const under = object.parts
      .map((part, i) => ({ i, mask: part.mask && decodeMask(part.mask, image.height, image.width) }))
      .filter((part) => part.mask && part.mask[y * image.width + x])
      .map((part) => ({ ...part, area: part.mask.reduce((sum, v) => sum + v, 0) }))
      .sort((a, b) => a.area - b.area || a.i - b.i);
    if (under.length) return [object, under[0].i];
  }
  const distance = (part) => (part.click[0] - x) ** 2 + (part.click[1] - y) ** 2;
  const nearest = state.object.parts.map((part, i) => [distance(part), i]).sort((a, b) => a[0] - b[0])[0];
  return [state.object, nearest[1]];
}

function step(objects, parts) {
  if (parts) go(state.object, (state.part + parts + state.object.parts.length) % state.object.parts.length);
  if (!objects || !shown.length) return;
  const here = shown.indexOf(state.object);
  const next = shown[here < 0 ? 0 : (here + objects + shown.length) % shown.length];
  go(next, 0);
}

const KEYS = { ArrowRight: [0, 1], ArrowLeft: [0, -1], n: [1, 0], p: [-1, 0] };

function start() {
  const categories = [...new Set(data.objects.map((object) => object.category))].sort();
  byId("category").append(...categories.map((name) => element("option", { value: name }, name)));
  for (const id of ["sort", "category"]) byId(id).addEventListener("change", fillList);
  byId("filter").addEventListener("input", fillList);
  for (const id of ["order", "zoom"]) {
    byId(id).addEventListener("change", (event) => {
      state[id] = event.target.value;
      show();
    });
  }
  byId("annotation").addEventListener("change", (event) => {
    state.annotation = event.target.checked;
    show();
  });
  byId("scene").addEventListener("click", (event) => go(...hit(event)));
  byId("explorer").addEventListener("keydown", (event) => {
    if (event.target.closest("select, input") || event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
    event.preventDefault();
    step(...KEYS[event.key]);
  });
  window.addEventListener("popstate", () => {
    if (readAddress()) show();
    if (location.hash.includes("image=")) byId("explorer").scrollIntoView();
  });
  window.addEventListener("resize", () => state.object && paintScene(state.object, frameOf(state.object)));
  fillList();
  const named = readAddress();
  if (!named) state.object = shown[0];
  show();
  if (named) byId("explorer").scrollIntoView();
}

if (data.objects.length) start();
