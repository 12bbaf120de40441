const content = JSON.parse(document.getElementById("content").textContent);
const at = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const LEFT = 40, RIGHT = 630, TOP = 12, BOTTOM = 200;

function drawn(name, values, text) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(values)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

// A line with gaps where a value is undefined.
function path(xs, ys, across, up) {
  let pen = "M";
  return ys.map((y, i) => {
    if (y === null) { pen = "M"; return ""; }
    const step = `${pen}${across(xs[i]).toFixed(1)} ${up(y).toFixed(1)}`;
    pen = "L";
    return step;
  }).join("");
}

function curve(item, method, place) {
  const last = item.at[item.at.length - 1] || 1;
  const low = Math.min(0, ...method.agreement.filter((value) => value !== null));
  const across = (x) => LEFT + (RIGHT - LEFT) * x / last;
  const up = (y) => BOTTOM - (BOTTOM - TOP) * (y - low) / (1 - low);
  const parts = [];
  for (const value of [0, 0.5, 1]) {
    parts.push(drawn("line", { x1: LEFT, x2: RIGHT, y1: up(value), y2: up(value), stroke: "#e4e2ea" }));
    parts.push(drawn("text", { x: LEFT - 8, y: up(value) + 4, "text-anchor": "end", fill: "#5d5968" }, value));
  }
  for (const part of [0, 0.5, 1]) {
    const text = `${(100 * part * last).toFixed(0)} %`;
    const anchor = part === 1 ? "end" : "middle";
    parts.push(drawn("text", { x: across(part * last), y: BOTTOM + 22, "text-anchor": anchor, fill: "#5d5968" }, text));
  }
  const line = { fill: "none", "stroke-width": 2.5 };
  const probability = { ...line, stroke: "#5d5968", "stroke-dasharray": "3 4" };
  parts.push(drawn("path", { ...probability, d: path(item.at, method.probability, across, up) }));
  parts.push(drawn("path", { ...line, stroke: "#6a45c4", d: path(item.at, method.agreement, across, up) }));
  const here = across(item.at[place]);
  parts.push(drawn("line", { x1: here, x2: here, y1: TOP, y2: BOTTOM, stroke: "#26232f", "stroke-width": 1.5 }));
  at("lines").replaceChildren(...parts);
  at("curve").hidden = false;
}

function show() {
  const item = content.items[at("image").value];
  const method = item.methods[document.querySelector("input[name=method]:checked").value];
  const slider = at("sparsity");
  slider.max = item.points.length - 1;
  const place = Number(slider.value), step = method.steps[place];
  slider.setAttribute("aria-valuetext", `${item.points[place]} sparsity`);
  at("amount").textContent = item.points[place];
  at("headline").innerHTML = step.html;
  at("input").src = item.input;
  at("input").alt = item.alt;
  at("credit").textContent = item.credit;
  at("dense").src = method.dense;
  at("dense").alt = `Heatmap of the dense network; it says ${method.says}`;
  at("dense-says").textContent = method.says;
  at("pruned").src = step.picture;
  at("pruned").alt = step.alt;
  at("pruned-says").textContent = step.says;
  at("accuracy").textContent = step.accuracy;
  at("network").textContent = item.network;
  curve(item, method, place);
}

at("controls").addEventListener("input", show);
at("controls").addEventListener("submit", (event) => event.preventDefault());
show();
