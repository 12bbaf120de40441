// Rows of maps with one linked point: the same place is marked in every map, its value stands below each.
// Pointer, touch or arrow keys move the point; Play shows a row's maps one after the other in one large picture.
const STEP_MS = 900;

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".rows");
  const kept = (root.kept ??= { point: null, row: null, timer: null });
  clearInterval(kept.timer);
  root.replaceChildren(...data.rows.map((row, index) => rowOf(row, index, data, root, kept)));
  if (kept.point) mark(root, kept, data);
  return () => clearInterval(kept.timer);
}

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function rowOf(row, index, data, root, kept) {
  const section = make("section", "row");
  const head = make("div", "head");
  head.append(make("h3", "", row.title));
  const maps = make("div", "maps");
  maps.tabIndex = 0;
  maps.setAttribute("role", "group");
  maps.setAttribute("aria-label", `${row.title}: arrow keys move a point through all maps`);
  row.tiles.forEach((tile) => maps.append(figureOf(tile, index, root, kept, data)));
  maps.addEventListener("keydown", (event) => moveByKey(event, index, root, kept, data));
  const spoken = make("p", "spoken");
  spoken.setAttribute("aria-live", "polite");
  const stage = make("div", "stage");
  head.append(playButton(row, stage, kept));
  section.append(head, stage, maps, spoken);
  return section;
}

function figureOf(tile, index, root, kept, data) {
  const figure = make("figure");
  figure.append(make("figcaption", "title", tile.title));
  const frame = make("div", "frame");
  const image = make("img");
  image.src = tile.src;
  image.alt = tile.alt;
  image.draggable = false;
  frame.append(image, make("i", "across"), make("i", "down"));
  const follow = (event) => {
    const box = frame.getBoundingClientRect();
    kept.point = [clip((event.clientX - box.left) / box.width), clip((event.clientY - box.top) / box.height)];
    kept.row = index;
    mark(root, kept, data);
  };
  frame.addEventListener("pointermove", follow);
  frame.addEventListener("pointerdown", follow);
  figure.append(frame, make("span", "value", ""));
  tile.lines.forEach((line) => figure.append(make("span", "line", line)));
  figure.values = tile.values ? { ...tile.values, steps: Uint8Array.from(atob(tile.values.steps), (c) => c.charCodeAt(0)) } : null;
  return figure;
}

const clip = (share) => Math.min(0.9999, Math.max(0, share));

function moveByKey(event, index, root, kept, data) {
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (!(event.key in moves)) return;
  event.preventDefault();
  const [x, y] = kept.point ?? [0.5, 0.5];
  const [dx, dy] = moves[event.key];
  kept.point = [clip(x + dx / 28), clip(y + dy / 28)];
  kept.row = index;
  mark(root, kept, data);
}

function mark(root, kept, data) {
  const [x, y] = kept.point;
  [...root.children].forEach((section, index) => {
    const linked = data.linked || index === kept.row;
    const read = [];
    section.querySelectorAll("figure").forEach((figure) => {
      figure.classList.toggle("marked", linked);
      figure.querySelector(".across").style.top = `${y * 100}%`;
      figure.querySelector(".down").style.left = `${x * 100}%`;
      const text = linked && figure.values ? valueAt(figure.values, x, y, data.signed) : "";
      figure.querySelector(".value").textContent = text;
      if (text) read.push(`${figure.querySelector(".title").textContent} ${text}`);
    });
    section.querySelector(".spoken").textContent = index === kept.row ? read.join(", ") : "";
  });
}

function valueAt(values, x, y, signed) {
  const column = Math.floor(x * values.width);
  const share = values.steps[Math.floor(y * values.height) * values.width + column] / 255;
  const value = signed && !values.plain ? 2 * share - 1 : share;
  return (Math.abs(value) < 0.005 ? 0 : value).toFixed(2);
}

function playButton(row, stage, kept) {
  const button = make("button", "play", "Play");
  button.type = "button";
  button.setAttribute("aria-pressed", "false");
  const frames = row.tiles.slice(1);
  const stop = () => {
    clearInterval(kept.timer);
    button.textContent = "Play";
    button.setAttribute("aria-pressed", "false");
  };
  button.addEventListener("click", () => {
    if (button.getAttribute("aria-pressed") === "true") return stop();
    stop();
    button.textContent = "Pause";
    button.setAttribute("aria-pressed", "true");
    let at = stage.at ?? 0;
    const show = (next) => {
      at = stage.at = next % frames.length;
      const image = make("img");
      image.src = frames[at].src;
      image.alt = frames[at].alt;
      const place = make("input");
      place.type = "range";
      place.max = frames.length - 1;
      place.value = at;
      place.setAttribute("aria-label", "Amount");
      place.addEventListener("input", () => {
        stop();
        show(Number(place.value));
      });
      stage.replaceChildren(image, make("p", "", [frames[at].title, ...frames[at].lines].join(" · ")), place);
    };
    show(at);
    kept.timer = setInterval(() => show(at + 1), STEP_MS);
  });
  return button;
}
