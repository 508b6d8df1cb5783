// A job's output as it is written, in the colours it asks for, and its state as it changes; lists that follow.
//
// What a job writes is never trusted: it becomes text nodes in elements of our own classes.
"use strict";
(() => {
  const LINES_LIMIT = 5000;
  const LINE_LIMIT = 20000;
  const CARRY_LIMIT = 4096;
  const RETRY_MS = [500, 1000, 2000, 5000, 10000];
  const SILENCE_MS = 40000;
  const FRESH_MS = 5000;

  // One escape sequence, whole: CSI, OSC and its like, or a short one. Or the beginning of one at the end.
  const ESCAPE = /^\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-Z\\^-~])/;
  const BEGUN = /^\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)$/;
  const STOPS = /[\x00-\x08\x0a-\x1f\x7f-\x9f]/;

  // The sixteen colours, to find the nearest for those of larger palettes.
  const PALETTE = [
    [0, 0, 0], [205, 0, 0], [0, 205, 0], [205, 205, 0], [0, 0, 238], [205, 0, 205], [0, 205, 205], [229, 229, 229],
    [127, 127, 127], [255, 0, 0], [0, 255, 0], [255, 255, 0], [92, 92, 255], [255, 0, 255], [0, 255, 255], [255, 255, 255],
  ];
  const nearest = (colour) => {
    const away = PALETTE.map((one) => one.reduce((sum, part, n) => sum + (part - colour[n]) ** 2, 0));
    return away.indexOf(Math.min(...away));
  };
  const ofPalette = (number) => {
    if (!(number >= 0 && number < 256)) return null;
    if (number < 16) return number;
    if (number >= 232) return nearest(Array(3).fill(8 + (number - 232) * 10));
    const step = (n) => (n ? 55 + n * 40 : 0);
    const cube = number - 16;
    return nearest([step(Math.floor(cube / 36)), step(Math.floor(cube / 6) % 6), step(cube % 6)]);
  };

  /** How text is to look: classes by what they are about. */
  class Ink {
    constructor() {
      this.set = new Map();
    }

    get classes() {
      return [...this.set.values()].join(" ");
    }

    // The numbers of "ESC [ ... m".
    apply(text) {
      const codes = text.split(/[;:]/).map((code) => (code === "" ? 0 : Number(code)));
      while (codes.length) this.one(codes.shift(), codes);
    }

    one(code, rest) {
      const plain = {
        1: ["weight", "ansi-bold"], 2: ["weight", "ansi-faint"], 3: ["slant", "ansi-italic"], 4: ["line", "ansi-underline"],
        7: ["turn", "ansi-inverse"], 9: ["strike", "ansi-strike"],
      };
      const ends = { 22: "weight", 23: "slant", 24: "line", 27: "turn", 29: "strike", 39: "front", 49: "back" };
      if (code === 0) this.set.clear();
      else if (plain[code]) this.set.set(...plain[code]);
      else if (ends[code]) this.set.delete(ends[code]);
      else if (code === 38 || code === 48) this.large(code === 38, rest);
      else if (code >= 30 && code <= 37) this.set.set("front", `ansi-fg-${code - 30}`);
      else if (code >= 90 && code <= 97) this.set.set("front", `ansi-fg-${code - 82}`);
      else if (code >= 40 && code <= 47) this.set.set("back", `ansi-bg-${code - 40}`);
      else if (code >= 100 && code <= 107) this.set.set("back", `ansi-bg-${code - 92}`);
    }

    large(isFront, rest) {
      const kind = rest.shift();
      const number = kind === 5 ? ofPalette(rest.shift()) : kind === 2 ? nearest(rest.splice(0, 3)) : null;
      if (number !== null && number >= 0) this.set.set(isFront ? "front" : "back", `ansi-${isFront ? "fg" : "bg"}-${number}`);
    }
  }

  /** Lines of text in an element. */
  class Paper {
    constructor(box) {
      this.box = box;
      this.ink = new Ink();
      this.carry = "";
      this.isReturned = false;
      this.lineLength = 0;
      this.dropped = 0;
      this.line = null;
    }

    clear() {
      this.box.replaceChildren();
      this.line = null;
    }

    write(text) {
      let left = this.carry + text;
      this.carry = "";
      while (left) {
        const stop = left.search(STOPS);
        this.put(stop < 0 ? left : left.slice(0, stop));
        if (stop < 0) return;
        left = left.slice(stop);
        if (left[0] !== "\x1b") {
          this.control(left[0]);
          left = left.slice(1);
          continue;
        }
        const found = ESCAPE.exec(left);
        if (!found && left.length < CARRY_LIMIT && BEGUN.test(left)) {
          this.carry = left;
          return;
        }
        if (found && found[0].startsWith("\x1b[") && found[0].endsWith("m")) this.ink.apply(found[0].slice(2, -1));
        left = left.slice(found ? found[0].length : 1);
      }
    }

    control(character) {
      if (character === "\n") this.end();
      // A line that is begun again is written over once something comes.
      else if (character === "\r") this.isReturned = true;
    }

    end() {
      this.current().append("\n");
      this.line = null;
      this.isReturned = false;
    }

    current() {
      if (!this.line) {
        this.line = document.createElement("span");
        this.line.className = "line";
        this.lineLength = 0;
        this.box.append(this.line);
      }
      return this.line;
    }

    put(text) {
      if (!text) return;
      const line = this.current();
      if (this.isReturned) {
        line.replaceChildren();
        this.lineLength = 0;
        this.isReturned = false;
      }
      const shown = text.slice(0, Math.max(LINE_LIMIT - this.lineLength, 0));
      this.lineLength += text.length;
      if (!shown) return;
      const classes = this.ink.classes;
      if (!classes) return void line.append(shown);
      const piece = document.createElement("span");
      piece.className = classes;
      piece.textContent = shown;
      line.append(piece);
    }

    note(text) {
      if (this.line) this.end();
      const note = document.createElement("span");
      note.className = "line gap";
      note.textContent = `${text}\n`;
      this.box.append(note);
    }

    // Only the end is kept in the page; all of it can be downloaded.
    trim() {
      while (this.box.childElementCount > LINES_LIMIT) {
        this.box.firstElementChild.remove();
        this.dropped += 1;
      }
    }
  }

  /** Reads server-sent events; says where it is, so that nothing is missed or told twice. */
  class Stream {
    constructor(address, lastId, hear) {
      this.address = address;
      this.lastId = lastId;
      this.hear = hear;
      this.tries = 0;
      this.isOver = false;
      this.abort = null;
      this.timer = null;
    }

    open() {
      if (this.abort || this.isOver || document.hidden) return;
      clearTimeout(this.timer);
      this.abort = new AbortController();
      this.read(this.abort)
        .catch(() => null)
        .finally(() => this.closed());
    }

    close() {
      this.isClosing = true;
      clearTimeout(this.timer);
      this.abort?.abort();
    }

    restart() {
      this.isOver = false;
      this.open();
    }

    closed() {
      this.abort = null;
      if (this.isOver) return;
      if (!this.isClosing && this.tries > 0) document.dispatchEvent(new Event("batchyard:lost"));
      this.isClosing = false;
      this.timer = setTimeout(() => this.open(), RETRY_MS[Math.min(this.tries, RETRY_MS.length - 1)]);
      this.tries += 1;
    }

    async read(abort) {
      const headers = this.lastId ? { "Last-Event-ID": this.lastId } : {};
      const answer = await fetch(this.address, { headers, signal: abort.signal, cache: "no-store" });
      // Signed out, or the job is gone: the page itself says so. Unless it has just been loaded and did not.
      if ([401, 403, 404].includes(answer.status) && performance.now() > FRESH_MS) return void location.reload();
      if (!answer.ok) return;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      let silence = null;
      for (;;) {
        clearTimeout(silence);
        silence = setTimeout(() => abort.abort(), SILENCE_MS);
        const { value, done } = await reader.read();
        if (done) return void clearTimeout(silence);
        if (this.tries) document.dispatchEvent(new Event("batchyard:found"));
        this.tries = 0;
        const events = (text + value).split("\n\n");
        text = events.pop();
        for (const event of events) this.event(event);
      }
    }

    event(text) {
      const told = {};
      for (const line of text.split("\n")) {
        const at = line.indexOf(": ");
        if (at > 0) told[line.slice(0, at)] = line.slice(at + 2);
      }
      if (!told.data) return;
      if (told.id) this.lastId = told.id;
      if (told.event === "end") this.isOver = true;
      this.hear(told.event, JSON.parse(told.data));
    }
  }

  // Open for as long as somebody looks.
  const follow = (stream) => {
    stream.open();
    document.addEventListener("visibilitychange", () => (document.hidden ? stream.close() : stream.open()));
    window.addEventListener("pagehide", () => stream.close());
    window.addEventListener("pageshow", () => stream.open());
  };

  const start = (box) => {
    const paper = new Paper(box.querySelector("code"));
    const empty = document.getElementById("output-empty");
    const cut = document.getElementById("output-cut");
    const waiting = [];
    let attempt = null;
    let isFirst = true;
    let isDrawn = true;

    const renew = () => document.body.dispatchEvent(new Event("job-changed"));
    const begin = () => {
      // What the site wrote into the page is written anew, in colour.
      if (isFirst) paper.clear();
      isFirst = false;
      if (empty) empty.hidden = true;
    };
    const draw = () => {
      isDrawn = true;
      const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
      for (const [kind, told] of waiting.splice(0)) {
        begin();
        if (attempt !== null && told.attempt !== attempt) paper.note(`${box.dataset.attempt} ${told.attempt}`);
        attempt = told.attempt;
        if (kind === "output") paper.write(told.data);
        else paper.note(`${told.to - told.from} ${box.dataset.gap}`);
      }
      paper.trim();
      if (cut && paper.dropped) cut.hidden = false;
      if (isAtEnd) box.scrollTop = box.scrollHeight;
    };
    const hear = (kind, told) => {
      if (kind === "output" || kind === "gap") {
        waiting.push([kind, told]);
        if (isDrawn) requestAnimationFrame(draw);
        isDrawn = false;
      } else if (kind === "state") renew();
    };

    const stream = new Stream(box.dataset.stream, box.dataset.lastId, hear);
    box.scrollTop = box.scrollHeight;
    follow(stream);
    // A job that is retried goes on writing.
    document.addEventListener("htmx:afterSettle", () => {
      const live = document.getElementById("live");
      if (live && live.dataset.over === "no" && stream.isOver) stream.restart();
    });
  };

  document.addEventListener("DOMContentLoaded", () => {
    const box = document.getElementById("output-box");
    if (box) start(box);
    const list = document.querySelector("[data-changes]");
    if (list) follow(new Stream(list.dataset.changes, "", () => document.body.dispatchEvent(new Event("list-changed"))));
    // A list is narrowed as soon as something is chosen; the button is for those without scripts.
    const filters = document.querySelector("form[data-filters]");
    filters?.addEventListener("change", (event) => {
      if (event.target.matches("select")) filters.requestSubmit();
    });
  });
})();
