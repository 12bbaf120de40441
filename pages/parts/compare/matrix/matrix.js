// A matrix of maps with one linked point: the same place is marked in every map, with its value.
// Pointer, touch or arrow keys move the point; Play shows the maps of a row in turn, large, beside the dense one.
const STEP_MS = 900;
const STEPS = 28; // arrow-key steps across a map

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".matrix");
  const kept = (root.kept ??= { point: null, row: null });
  const view = { root, data, kept, rows: [], player: null };
  view.player = playerOf(data);
  const table = make("table");
  table.append(headOf(data), bodyOf(view));
  const scroll = make("div", "scroll");
  scroll.append(table);
  const spoken = make("p", "spoken");
  spoken.setAttribute("aria-live", "polite");
  view.spoken = spoken;
  root.style.setProperty("--narrowest", data.narrowest);
  root.replaceChildren(view.player.stage, scroll, spoken);
  if (kept.point) mark(view);
  return () => view.player.stop();
}

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function headOf(data) {
  const line = make("tr");
  line.append(make("td"));
  ["Input", "Dense", ...data.heads].forEach((text) => {
    const head = make("th", "", text);
    head.scope = "col";
    line.append(head);
  });
  const head = make("thead");
  head.append(line);
  return head;
}

function bodyOf(view) {
  const body = make("tbody");
  const first = view.data.rows[0];
  view.data.rows.forEach((row, index) => {
    const line = make("tr");
    line.tabIndex = 0;
    line.setAttribute("aria-label", `${row.title}: arrow keys move a point through all maps`);
    line.addEventListener("keydown", (event) => moveByKey(event, index, view));
    const name = make("th", "", row.title);
    name.scope = "row";
    name.append(view.player.button(row, first.dense));
    line.append(name);
    const figures = [];
    for (const part of ["input", "dense"]) {
      if (!row[part]) continue;
      const once = !view.data.rows[1]?.[part] && view.data.rows.length > 1;
      line.append(cellOf(row[part], index, view, figures, once ? view.data.rows.length : 1));
    }
    for (const tile of row.cells) {
      const shown = tile && { ...tile, likeness: tile.likeness ?? 0 }; // an undefined one has an empty bar
      line.append(shown ? cellOf(shown, index, view, figures, 1) : make("td"));
    }
    view.rows.push(figures);
    body.append(line);
  });
  return body;
}

function cellOf(tile, index, view, figures, rows) {
  const cell = make("td");
  cell.rowSpan = rows;
  const figure = make("figure", rows > 1 ? "once" : "");
  const frame = make("div", "frame");
  const image = make("img");
  image.src = tile.src;
  image.alt = tile.alt;
  image.draggable = false;
  frame.append(image, make("i", "across"), make("i", "down"), make("span", "value"));
  const follow = (event) => {
    const box = frame.getBoundingClientRect();
    view.kept.point = [clip((event.clientX - box.left) / box.width), clip((event.clientY - box.top) / box.height)];
    view.kept.row = index;
    mark(view);
  };
  frame.addEventListener("pointermove", follow);
  frame.addEventListener("pointerdown", follow);
  figure.append(frame);
  if (tile.likeness !== null) figure.append(barOf(tile.likeness));
  figure.append(...tile.lines.map((line) => make("span", "line", line)));
  cell.append(figure);
  const steps = tile.values && Uint8Array.from(atob(tile.values.steps), (letter) => letter.charCodeAt(0));
  figures.push({ figure, title: tile.title, values: tile.values && { ...tile.values, steps } });
  return cell;
}

// The line below states the number; the bar is decorative. It is empty at zero and below.
function barOf(likeness) {
  const bar = make("div", "bar");
  bar.setAttribute("aria-hidden", "true");
  const filled = make("i");
  filled.style.width = `${100 * Math.min(1, Math.max(0, likeness))}%`;
  bar.append(filled);
  return bar;
}

const clip = (share) => Math.min(0.9999, Math.max(0, share));

function moveByKey(event, index, view) {
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (!(event.key in moves) || event.target !== event.currentTarget) return;
  event.preventDefault();
  const [x, y] = view.kept.point ?? [0.5, 0.5];
  const [dx, dy] = moves[event.key];
  view.kept.point = [clip(x + dx / STEPS), clip(y + dy / STEPS)];
  view.kept.row = index;
  mark(view);
}

function mark(view) {
  const [x, y] = view.kept.point;
  view.rows.forEach((figures, index) => {
    const linked = view.data.linked || index === view.kept.row;
    const read = [];
    figures.forEach(({ figure, title, values }) => {
      figure.classList.toggle("marked", linked);
      figure.querySelector(".across").style.top = `${y * 100}%`;
      figure.querySelector(".down").style.left = `${x * 100}%`;
      const text = linked && values ? valueAt(values, x, y) : "";
      figure.querySelector(".value").textContent = text;
      if (text) read.push(`${title} ${text}`);
    });
    if (index === view.kept.row) view.spoken.textContent = read.join(", ");
  });
}

function valueAt(values, x, y) {
  const column = Math.floor(x * values.width);
  const share = values.steps[Math.floor(y * values.height) * values.width + column] / 255;
  const value = values.signed ? 2 * share - 1 : share;
  return (Math.abs(value) < 0.005 ? 0 : value).toFixed(2).replace("-", "\u2212");
}

// One row plays at a time above the matrix: amount, dense map and pruned map fit on one screen.
function playerOf(data) {
  const stage = make("section", "stage");
  stage.setAttribute("aria-label", "Playing");
  let timer = null;
  let playing = null;
  const stop = () => {
    clearInterval(timer);
    playing?.say(false);
    playing = null;
  };
  const button = (row, dense) => {
    const play = make("button", "play");
    play.type = "button";
    const again = make("button");
    again.type = "button";
    play.say = (running) => {
      play.textContent = again.textContent = running ? "Pause" : "Play";
      play.setAttribute("aria-label", `${play.textContent} ${row.title}`);
    };
    play.say(false);
    let at = 0;
    const frames = row.cells.filter(Boolean);
    const show = (next) => {
      at = next % frames.length;
      draw(at);
    };
    const draw = open(stage, row, row.dense ?? dense, frames, again, {
      moved: (place) => {
        stop();
        show(place);
      },
      closed: () => {
        stop();
        stage.classList.remove("open");
        play.focus();
      },
    });
    play.addEventListener("click", () => {
      const mine = playing === play;
      stop();
      if (mine) return;
      stage.classList.add("open");
      show(at);
      stage.scrollIntoView({ block: "nearest" });
      playing = play;
      play.say(true);
      timer = setInterval(() => show(at + 1), STEP_MS);
    });
    again.addEventListener("click", () => play.click());
    return play;
  };
  return { stage, stop, button };
}

// Puts a row on the stage; returns a function that draws one frame. again: the button that pauses and resumes.
function open(stage, row, dense, frames, again, on) {
  const words = make("p");
  const pair = make("div", "pair");
  const move = make("div", "move");
  const place = make("input");
  place.type = "range";
  place.max = frames.length - 1;
  place.setAttribute("aria-label", "Amount");
  place.addEventListener("input", () => on.moved(Number(place.value)));
  const close = make("button", "", "Close");
  close.type = "button";
  close.addEventListener("click", on.closed);
  move.append(place, again, close);
  return (at) => {
    const frame = frames[at];
    place.value = at;
    place.setAttribute("aria-valuetext", frame.title);
    words.textContent = `${row.title}: ${[frame.title, ...frame.lines.filter((line) => line !== frame.title)].join(" · ")}`;
    pair.replaceChildren(pictureOf(dense), pictureOf(frame));
    if (stage.firstChild !== words) stage.replaceChildren(words, pair, move);
  };
}

function pictureOf(tile) {
  const figure = make("figure");
  const image = make("img");
  image.src = tile.src;
  image.alt = tile.alt;
  figure.append(image);
  return figure;
}
