// What the administration needs besides unfold's own scripts: one theme with the other pages, and names for Alpine.
// Alpine's build for strict policies evaluates expressions itself and sees only what its components hold.
"use strict";
(() => {
  const root = document.documentElement;
  const KEY = "batchyard.theme";
  const SIDEBAR = "sidebarDesktopOpen";
  const kept = {
    getItem(name) {
      try {
        return localStorage.getItem(name);
      } catch (refused) {
        return null;
      }
    },
    setItem(name, value) {
      try {
        localStorage.setItem(name, value);
      } catch (refused) {
        // The choice then lasts as long as the page.
      }
    },
  };
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => (["light", "dark"].includes(kept.getItem(KEY)) ? kept.getItem(KEY) : "auto");

  // Before anything is drawn, so that no page flashes in the other theme.
  root.classList.add("with-script");
  root.classList.toggle("dark", chosen() === "dark" || (chosen() === "auto" && system.matches));

  const wholePage = () => {
    const parts = theme();
    const begin = parts.init;
    return {
      ...parts,
      adminTheme: chosen(),
      isSystemDark: system.matches,
      // Names that unfold's templates use in expressions.
      localStorage: kept,
      window: { location: { pathname: location.pathname, search: location.search } },
      moveRecords,
      sortRecords,
      init() {
        begin.call(this);
        root.classList.remove("dark");
        system.addEventListener("change", (event) => (this.isSystemDark = event.matches));
        this.$watch("adminTheme", (value) => kept.setItem(KEY, value === "auto" ? "system" : value));
      },
      themeBindings: {
        ...parts.themeBindings,
        "x-bind:class"() {
          return this.adminTheme === "dark" || (this.adminTheme === "auto" && this.isSystemDark) ? "dark" : "light";
        },
      },
    };
  };
  const body = () => ({
    activeTab: getCurrentTab() || document.body.dataset.tab,
    sidebarMobileOpen: false,
    sidebarDesktopOpen: kept.getItem(SIDEBAR) !== "0",
    init() {
      this.$watch(SIDEBAR, (value) => kept.setItem(SIDEBAR, value ? "1" : "0"));
    },
  });
  document.addEventListener("alpine:init", () => {
    Alpine.data("theme", wholePage);
    Alpine.data("page", body);
    Alpine.data("searchForm", searchForm);
  });
})();
