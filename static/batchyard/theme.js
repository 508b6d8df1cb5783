// Sets the chosen theme before anything is drawn. "system" is the absence of a choice.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("with-script");
  let chosen = null;
  try {
    chosen = localStorage.getItem("batchyard.theme");
  } catch (refused) {
    // The browser keeps nothing for us: the system's theme it is.
    chosen = null;
  }
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
})();
