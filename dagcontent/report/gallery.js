"use strict";
// Filters, the keyboard and the large view. The page is whole without it; nothing here makes markup out of text.
(() => {
  const form = document.getElementById("the-filter");
  const cards = [...document.querySelectorAll(".card")];
  const count = form.querySelector("output");
  let texts = null;

  const make = (tag, text, onclick) => {
    const made = document.createElement(tag);
    if (text) made.textContent = text;
    if (onclick) { made.type = "button"; made.addEventListener("click", onclick); }
    return made;
  };

  // --- filters
  const holds = (card, asked) =>
    (!asked.node || card.dataset.node === asked.node) && (!asked.kind || card.dataset.kind === asked.kind) &&
    (!asked.status || card.dataset.status === asked.status) && (!asked.output || card.dataset.output === "yes") &&
    asked.words.every((word) => texts.get(card).includes(word));

  const filter = () => {
    const data = new FormData(form);
    const asked = { node: data.get("node"), kind: data.get("kind"), status: data.get("status"), output: data.get("output") };
    asked.words = data.get("text").toLowerCase().split(/\s+/).filter(Boolean);
    if (asked.words.length && !texts) texts = new Map(cards.map((card) => [card, card.textContent.toLowerCase()]));
    let shown = 0;
    for (const card of cards) {
      card.hidden = !holds(card, asked);
      shown += !card.hidden;
    }
    for (const box of document.querySelectorAll(".takes, .node")) box.hidden = !box.querySelector(".card:not([hidden])");
    const all = `${cards.length.toLocaleString("en")} ${cards.length === 1 ? "result" : "results"}`;
    count.textContent = shown === cards.length ? all : `${shown.toLocaleString("en")} of ${all}`;
  };
  form.hidden = false;
  for (const line of document.querySelectorAll(".keys")) line.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("submit", (event) => event.preventDefault());

  // --- commands that can be copied
  for (const command of document.querySelectorAll(".command")) {
    const code = command.querySelector("code");
    const button = make("button", "copy", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "copied";
      } catch {
        getSelection().selectAllChildren(code);
        button.textContent = "selected";
      }
    });
    button.setAttribute("aria-label", `copy ${code.textContent}`);
    code.after(button);
  }

  // --- places of the page: #still[intro]
  const go = (smooth) => {
    const id = (() => { try { return decodeURIComponent(location.hash.slice(1)); } catch { return ""; } })();
    const found = id && document.getElementById(id);
    if (!found) return;
    if (found.closest("[hidden]")) { form.reset(); filter(); }
    found.scrollIntoView({ block: "start", behavior: smooth ? "auto" : "instant" });
    if (found.classList.contains("card")) found.focus({ preventScroll: true });
  };
  addEventListener("hashchange", () => go(true));
  go(false);

  // --- the large view
  const dialog = make("dialog");
  const title = make("h2");
  const place = make("span");
  const stage = make("div");
  const foot = make("p");
  const step = (by) => { const list = zooms(); show(list[(list.indexOf(at) + by + list.length) % list.length]); };
  const previous = make("button", "Previous", () => step(-1));
  const next = make("button", "Next", () => step(1));
  const close = make("button", "Close", () => dialog.close());
  const head = make("div");
  head.className = "view-head";
  place.className = "count";
  place.setAttribute("aria-live", "polite");
  stage.className = "view-stage";
  foot.className = "view-foot";
  title.id = "view-title";
  dialog.setAttribute("aria-labelledby", "view-title");
  head.append(title, place, previous, next, close);
  dialog.append(head, stage, foot);
  document.body.append(dialog);
  let at = null;

  const zooms = () => [...document.querySelectorAll(".card:not([hidden]) .zoom")].filter((one) => one.checkVisibility());

  const show = (link) => {
    at = link;
    const card = link.closest(".card");
    const list = zooms();
    const media = make(link.dataset.type === "image" ? "img" : link.dataset.type);
    media.src = link.getAttribute("href");
    if (media.tagName === "IMG") media.alt = link.querySelector("img").alt;
    else media.controls = true;
    if (media.tagName === "VIDEO") {
      const small = link.closest(".media").querySelector("video");
      if (small.poster) media.poster = small.poster;
    }
    title.textContent = card.querySelector(".card-name").textContent;
    place.textContent = `${(list.indexOf(link) + 1).toLocaleString("en")} of ${list.length.toLocaleString("en")}`;
    const said = card.querySelector(".prose");
    const line = card.querySelector(".line");
    const words = make("strong", said ? said.textContent : "");
    const texts = (one) => [...one.querySelectorAll("p")].map((part) => part.textContent.trim()).join(": ");
    const scores = [...card.querySelectorAll(".scores > li")].map((one) => `${texts(one)}\n`);
    foot.replaceChildren(...scores, words, ...(said ? ["\n"] : []), line ? line.textContent : "");
    stage.replaceChildren(media);
    previous.disabled = next.disabled = list.length < 2;
    if (!dialog.open) { dialog.showModal(); close.focus(); }
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.zoom");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    const playing = link.closest(".media").querySelector("video, audio");
    if (playing) playing.pause();
    show(link);
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => {
    stage.replaceChildren();
    at.focus({ preventScroll: true });
    at.closest(".card").scrollIntoView({ block: "nearest", behavior: "instant" });
  });
  dialog.addEventListener("keydown", (event) => {
    if (["VIDEO", "AUDIO"].includes(event.target.tagName)) return;
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by && !event.altKey && !event.ctrlKey && !event.metaKey) { event.preventDefault(); step(by); }
  });

  // --- one play at a time
  document.addEventListener("play", (event) => {
    for (const other of document.querySelectorAll("video, audio")) if (other !== event.target) other.pause();
  }, true);

  // --- the keyboard
  document.addEventListener("keydown", (event) => {
    const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName);
    if (dialog.open || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "/" && !typing) { event.preventDefault(); form.elements.text.focus(); return; }
    const by = typing ? 0 : { j: 1, k: -1 }[event.key];
    if (!by) {
      const card = event.target.classList && event.target.classList.contains("card") ? event.target : null;
      const link = event.key === "Enter" && card && card.querySelector(".zoom");
      if (link) { event.preventDefault(); show(link); }
      return;
    }
    const list = cards.filter((card) => !card.hidden);
    const here = list.indexOf(event.target.closest(".card"));
    const to = list[here < 0 ? (by > 0 ? 0 : list.length - 1) : Math.min(list.length - 1, Math.max(0, here + by))];
    if (to) { to.focus({ preventScroll: true }); to.scrollIntoView({ block: "nearest", behavior: "instant" }); }
  });
})();
