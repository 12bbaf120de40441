// Copies the address of the page. Pages without TLS have no navigator.clipboard; there a hidden field is copied.
export default function ({ data, parentElement }) {
  const button = parentElement.querySelector("button");
  button.textContent = data.label;
  button.onclick = async () => {
    await copy(location.href);
    button.textContent = data.copied;
    setTimeout(() => { button.textContent = data.label }, 2000);
  };
}

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = Object.assign(document.createElement("textarea"), { value: text });
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
