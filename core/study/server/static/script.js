// Keys, reaction times and preloading. Every page also works without this script.
"use strict";
(() => {
  const form = document.querySelector("form.answers");
  const counts = document.querySelector("[data-counts]");
  const frame = () => new Promise(requestAnimationFrame);

  addEventListener("pageshow", (event) => event.persisted && location.reload()); // Back asks the server
  for (const field of document.querySelectorAll("input[name=screen]")) field.value = `${screen.width}x${screen.height}`;
  for (const each of document.querySelectorAll("form.once")) {
    each.addEventListener("submit", () => setTimeout(() => { each.querySelector("button").disabled = true; }));
  }

  if (counts) {
    setInterval(async () => {
      const reply = await fetch(counts.dataset.counts).catch(() => null);
      if (!reply?.ok || reply.redirected) return;
      const found = await reply.json();
      for (const each of counts.children) {
        each.querySelector("dd").textContent = found[each.querySelector("dt").textContent];
      }
    }, 3000);
  }

  if (!form) return;
  const buttons = [...form.querySelectorAll("button")];
  const said = document.getElementById("said");
  let painted = null, losses = 0, attentive = true, sending = false, first = {};
  const enable = (whether) => buttons.forEach((button) => { button.disabled = !whether; });

  const look = () => {
    const now = !document.hidden && document.hasFocus();
    if (attentive && !now) losses += 1;
    attentive = now;
  };
  for (const event of ["blur", "focus"]) addEventListener(event, look);
  document.addEventListener("visibilitychange", look);

  enable(false);
  Promise.all([...form.querySelectorAll("img")].map((image) => image.decode())).then(async () => {
    await frame();
    await frame();
    painted = performance.now();
    enable(true);
    for (const name of form.dataset.next.split(" ").filter(Boolean)) new Image().src = `/pictures/${name}`;
  }, () => { said.textContent = "A picture did not load. Please reload this page."; });

  const send = async (button) => {
    if (sending || painted === null) return;
    sending = true;
    if (first.value !== button.value) first = { value: button.value, ms: performance.now() - painted };
    form.elements.reaction_ms.value = first.ms.toFixed(1);
    form.elements.focus_losses.value = losses;
    const fields = new URLSearchParams(new FormData(form));
    fields.set("answer", button.value);
    button.classList.add("chosen");
    enable(false);
    const slow = setTimeout(() => { said.textContent = "Your answer is being stored …"; }, 1000);
    try {
      const signal = AbortSignal.timeout?.(20000);
      const reply = await fetch(form.action, { method: "POST", headers: { Accept: "application/json" }, body: fields, signal });
      if (reply.ok) return location.replace((await reply.json()).next);
      if (reply.status !== 503) return location.reload();
      said.textContent = (await reply.json()).error;
    } catch {
      said.textContent = "Your answer was not stored yet. Check the connection and press the button again.";
    } finally {
      clearTimeout(slow);
    }
    button.classList.remove("chosen");
    enable(true);
    sending = false;
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(event.submitter);
  });
  document.addEventListener("keydown", (event) => {
    if (event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    const button = buttons.find((each) => each.dataset.keys.split(" ").includes(event.key.length === 1 ? event.key.toLowerCase() : event.key));
    if (!button) return;
    event.preventDefault();
    if (!button.disabled) button.click();
  });
})();
