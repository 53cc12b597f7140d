// Every page works without this. It remembers the colours, and keeps ages up to date.
"use strict";
(() => {
  const KEY = "sirenflow-theme";
  // A page opened from a file, or in a frame, may have no storage.
  const stored = (write) => { try { return write ? localStorage.setItem(KEY, write) : localStorage.getItem(KEY); } catch { return null; } };
  for (const input of document.querySelectorAll(".themes input")) {
    if (stored() === input.id) input.checked = true;
    input.addEventListener("change", () => stored(input.id));
  }

  const age = (seconds) => {
    const length = Math.abs(seconds);
    if (length < 99.5) return `${Math.round(length)} s`;
    if (length < 99.5 * 60) return `${Math.round(length / 60)} min`;
    if (length < 48 * 3600) return `${(length / 3600).toFixed(1)} h`;
    if (length < 100 * 86400) return `${(length / 86400).toFixed(1)} d`;
    return length < 365.25 * 86400 ? `${Math.round(length / 86400)} d` : `${(length / 31557600).toFixed(1)} yr`;
  };
  const tick = () => {
    for (const place of document.querySelectorAll("time[data-age]")) {
      const seconds = (Date.now() - Date.parse(place.dateTime)) / 1000;
      if (Number.isFinite(seconds)) place.nextElementSibling.textContent = `now\u00a0T₀\u00a0${seconds < 0 ? "−" : "+"}\u00a0${age(seconds)}`;
    }
  };
  tick();
  setInterval(tick, 10000);
})();
