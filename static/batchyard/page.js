// What every page does with scripts: theme, toasts, times, menus, and the manners of live parts.
"use strict";
(() => {
  const root = document.documentElement;
  const THEMES = ["system", "light", "dark"];
  const TOAST_MS = 6000;

  // Theme.
  const theme = () => root.dataset.theme || "system";
  const tellTheme = () => {
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      const label = button.dataset[theme()];
      button.setAttribute("aria-label", label);
      button.title = label;
    }
  };
  const nextTheme = () => {
    const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length];
    if (next === "system") delete root.dataset.theme;
    else root.dataset.theme = next;
    try {
      localStorage.setItem("batchyard.theme", next);
    } catch (refused) {
      // The choice then lasts as long as the page.
    }
    tellTheme();
  };

  // Toasts: good news goes by itself, unless somebody is reading it.
  const expire = (toast) => {
    if (toast.matches(":hover, :focus-within")) return void setTimeout(expire, TOAST_MS, toast);
    toast.remove();
  };
  const watchToasts = (within) => {
    for (const toast of within.querySelectorAll(".toast:not([data-watched])")) {
      toast.dataset.watched = "";
      if (toast.matches(".toast-success, .toast-info")) setTimeout(expire, TOAST_MS, toast);
    }
  };

  // Times. As scheduler_site/templatetags/pages.py says them.
  const words = document.body.dataset;
  const UNITS = [[86400, words.days], [3600, words.hours], [60, words.minutes]];
  const rough = (seconds) => {
    for (const [size, unit] of UNITS) if (seconds >= size * 2) return `${Math.floor(seconds / size + 0.5)} ${unit}`;
    return `${Math.floor(seconds)} ${words.seconds}`;
  };
  const relative = (at) => {
    const away = (at - Date.now()) / 1000;
    if (Math.abs(away) < 5) return words.now;
    return (away > 0 ? words.ahead : words.ago).replace("%(time)s", rough(Math.abs(away)));
  };
  const duration = (ms) => {
    let left = Math.max(Math.floor(ms / 1000), 0);
    const parts = [];
    for (const [size, unit] of [...UNITS, [1, words.seconds]]) {
      const count = Math.floor(left / size);
      left -= count * size;
      if (count || parts.length) parts.push(`${count} ${unit}`);
    }
    return parts.slice(0, 2).join(" ") || `0 ${words.seconds}`;
  };
  const put = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };
  const tellTimes = () => {
    for (const time of document.querySelectorAll("time[data-when]")) put(time, relative(Date.parse(time.dateTime)));
    for (const since of document.querySelectorAll("[data-since]")) {
      put(since, duration(Date.now() - Date.parse(since.dataset.since)));
    }
  };
  // The viewer's own zone instead of UTC; the foot of the page says which. Swedes write dates as ISO does.
  const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  const LOCAL = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" });
  const tellZones = (within) => {
    for (const time of within.querySelectorAll("time[data-at]")) put(time, LOCAL.format(new Date(time.dateTime)));
    for (const time of within.querySelectorAll("time[data-tick]")) {
      const [date, clock] = LOCAL.format(new Date(time.dateTime)).split(" ");
      time.title = `${date} ${clock}`;
      put(time, time.dataset.tick === "date" ? date.slice(5) : clock.slice(0, 5));
    }
    for (const zone of within.querySelectorAll("[data-zone]")) put(zone, ZONE);
    for (const field of within.querySelectorAll("input[data-zone-field]")) field.value = ZONE;
  };

  // Live parts: said to be old while the site cannot be reached; "batchyard:lost" and "batchyard:found" say so.
  const setLost = (isLost) => {
    const told = document.getElementById("live-state");
    if (told) told.hidden = !isLost;
    root.classList.toggle("is-stale", isLost);
  };
  const onNew = (within) => {
    tellZones(within);
    tellTimes();
    watchToasts(within);
  };

  document.addEventListener("click", (event) => {
    const target = event.target;
    if (target.closest("[data-theme-switch]")) nextTheme();
    const dismissed = target.closest("[data-dismiss]")?.closest(".toast");
    if (dismissed) {
      dismissed.remove();
      (document.querySelector(".toast button") ?? document.getElementById("main")).focus();
    }
    const copied = target.closest("[data-copies]");
    if (copied) {
      const text = document.getElementById(copied.dataset.copies).textContent;
      navigator.clipboard.writeText(text).then(() => copied.classList.add("is-done"));
    }
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  // htmx: nobody polls for a page that nobody sees; the sign-in page never lands inside another.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && !event.detail.requestConfig.triggeringEvent) event.preventDefault();
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (new URL(event.detail.xhr.responseURL || location.href).pathname.startsWith("/accounts/login")) {
      event.detail.shouldSwap = false;
      location.reload();
    }
  });
  document.addEventListener("htmx:afterSettle", (event) => onNew(event.detail.elt.parentElement ?? document));
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) setLost(false);
  });
  for (const wrong of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    document.addEventListener(wrong, () => setLost(true));
  }
  document.addEventListener("batchyard:lost", () => setLost(true));
  document.addEventListener("batchyard:found", () => setLost(false));

  // Browsers have a clipboard for pages only where nobody can listen.
  if (!navigator.clipboard) for (const copies of document.querySelectorAll("[data-copies]")) copies.hidden = true;
  tellTheme();
  onNew(document);
  setInterval(() => document.hidden || tellTimes(), 1000);
  document.addEventListener("visibilitychange", tellTimes);
})();
