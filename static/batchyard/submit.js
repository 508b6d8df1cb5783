// The form that submits a job: room for long texts, and files that are sent as soon as they are chosen.
"use strict";
(() => {
  // A text that is being entered has room.
  const grow = (area) => {
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight + 2}px`;
  };

  const percent = (part) => `${Math.round(part * 100)} %`;

  // Sends a chosen file; its path then stands in the field, and the form itself stays small.
  const send = (chooser, form) => {
    const file = chooser.files[0];
    if (!file) return;
    const bar = chooser.parentElement.querySelector("progress");
    const told = chooser.parentElement.querySelector("output");
    const button = form.querySelector("#send");
    const end = (text, isWrong) => {
      told.textContent = text;
      told.classList.toggle("text-bad", isWrong);
      bar.hidden = true;
      chooser.value = "";
      form.dataset.sending = Number(form.dataset.sending) - 1;
      button.disabled = Number(form.dataset.sending) > 0;
    };
    form.dataset.sending = Number(form.dataset.sending || 0) + 1;
    if (file.size > Number(form.dataset.limit)) return end(form.dataset.tooLarge, true);
    const body = new FormData();
    body.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    body.append("file", file);
    const request = new XMLHttpRequest();
    request.open("POST", form.dataset.uploads);
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => {
      bar.value = event.total ? event.loaded / event.total : 0;
      told.textContent = percent(bar.value);
    });
    request.addEventListener("load", () => {
      const answer = request.response ?? {};
      if (request.status !== 201) return void end(answer.message ?? form.dataset.failed, true);
      const field = document.getElementById(chooser.dataset.for);
      field.value = answer.path;
      field.focus();
      end("", false);
    });
    for (const wrong of ["error", "abort", "timeout"]) request.addEventListener(wrong, () => end(form.dataset.failed, true));
    bar.hidden = false;
    bar.value = 0;
    told.textContent = "";
    told.classList.remove("text-bad");
    button.disabled = true;
    request.send(body);
  };

  for (const area of document.querySelectorAll("textarea.grows")) {
    grow(area);
    area.addEventListener("input", () => grow(area));
  }
  const form = document.querySelector("form[data-uploads]");
  form?.addEventListener("change", (event) => event.target.matches("input[type=file]") && send(event.target, form));
})();
