// Radio buttons under images: the browser provides keyboard and screen reader support. Python sets the chosen one.
export default function ({ data, parentElement, setTriggerValue }) {
  const group = parentElement.querySelector(".thumbs");
  const same = JSON.stringify(data.thumbs.map((thumb) => thumb.value));
  group.setAttribute("aria-label", data.label);
  group.style.gridTemplateColumns = `repeat(${data.columns}, 1fr)`;
  if (group.dataset.shown !== same) {
    group.dataset.shown = same;
    group.replaceChildren(...data.thumbs.map(drawn));
  }
  for (const input of group.querySelectorAll("input")) {
    input.checked = input.value === data.chosen;
    input.disabled = data.locked;
    input.onchange = () => setTriggerValue("picked", input.value);
  }
}

function drawn(thumb) {
  const label = document.createElement("label");
  const input = Object.assign(document.createElement("input"), { type: "radio", name: "thumb", value: thumb.value });
  const image = Object.assign(document.createElement("img"), { src: thumb.url, alt: thumb.alt, title: thumb.alt });
  label.append(input, image);
  return label;
}
