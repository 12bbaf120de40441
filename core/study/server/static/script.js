// Keys, reaction times and preloading. Every page also works without this script.
"use strict";
(() => {
  const NOT_STORED = "Your answer was not stored yet. Check the connection and press the button again.";
  const frame = () => new Promise(requestAnimationFrame);
  let page = null; // the question that is shown
  let attentive = true;

  addEventListener("pageshow", (event) => event.persisted && location.reload()); // Back asks the server
  for (const field of document.querySelectorAll("input[name=screen]")) field.value = `${screen.width}x${screen.height}`;
  for (const form of document.querySelectorAll("form.once")) {
    form.addEventListener("submit", () => setTimeout(() => { form.querySelector("button").disabled = true; }));
  }

  const counts = document.querySelector("[data-counts]");
  const count = async () => {
    const reply = await fetch(counts.dataset.counts).catch(() => null);
    if (!reply?.ok || reply.redirected) return;
    const found = await reply.json();
    for (const each of counts.children) {
      each.querySelector("dd").textContent = found[each.querySelector("dt").textContent];
    }
  };
  if (counts) setInterval(count, 3000);

  const look = () => {
    const now = !document.hidden && document.hasFocus();
    if (attentive && !now && page) page.losses += 1;
    attentive = now;
  };
  for (const event of ["blur", "focus"]) addEventListener(event, look);
  document.addEventListener("visibilitychange", look);

  const enable = (whether) => page.buttons.forEach((button) => { button.disabled = !whether; });

  const begin = async () => {
    const form = document.querySelector("form.answers");
    if (!form) return;
    const mine = { form, buttons: [...form.querySelectorAll("button")], said: form.querySelector("#said") };
    page = Object.assign(mine, { painted: null, losses: 0, sending: false, first: {} });
    enable(false);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(event.submitter);
    });
    try {
      await Promise.all([...form.querySelectorAll("img")].map((image) => image.decode()));
    } catch {
      page.said.textContent = "A picture did not load. Please reload this page.";
      return;
    }
    await frame();
    await frame();
    page.painted = performance.now();
    form.dataset.painted = page.painted;
    enable(true);
    for (const name of form.dataset.next.split(" ").filter(Boolean)) new Image().src = `/pictures/${name}`;
  };

  const show = (text, address) => {
    const next = new DOMParser().parseFromString(text, "text/html");
    const main = next.querySelector("main.trial");
    if (!main) return location.replace(address);
    history.replaceState(null, "", address);
    document.title = next.title;
    document.querySelector("main").replaceWith(main);
    scrollTo(0, 0);
    main.querySelector("h1").focus({ preventScroll: true }); // screen readers read the question
    return begin();
  };

  const send = async (button) => {
    const { form, said } = page;
    if (page.sending || page.painted === null) return;
    page.sending = true;
    if (page.first.value !== button.value) {
      page.first = { value: button.value, ms: performance.now() - page.painted };
    }
    form.elements.reaction_ms.value = page.first.ms.toFixed(1);
    form.elements.focus_losses.value = page.losses;
    const body = new URLSearchParams(new FormData(form));
    body.set("answer", button.value);
    button.classList.add("chosen");
    enable(false);
    const slow = setTimeout(() => { said.textContent = "Your answer is being stored …"; }, 1000);
    try {
      const reply = await fetch(form.action, { method: "POST", body, signal: AbortSignal.timeout?.(20000) });
      const text = await reply.text();
      if (reply.ok && reply.redirected) return show(text, reply.url); // it is stored
      if (reply.redirected || reply.status !== 503) return location.reload();
      said.textContent = NOT_STORED;
    } catch {
      said.textContent = NOT_STORED;
    } finally {
      clearTimeout(slow);
    }
    button.classList.remove("chosen");
    enable(true);
    page.sending = false;
  };

  document.addEventListener("keydown", (event) => {
    if (!page || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const button = page.buttons.find((each) => each.dataset.keys.split(" ").includes(key));
    if (!button) return;
    event.preventDefault();
    if (!button.disabled) button.click();
  });

  begin();
})();
