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
    return length < 100 * 86400 ? `${(length / 86400).toFixed(1)} d` : `${Math.round(length / 86400)} d`;
  };
  const tick = () => {
    for (const place of document.querySelectorAll("time[data-age]")) {
      const seconds = (Date.now() - Date.parse(place.dateTime)) / 1000;
      if (Number.isFinite(seconds)) place.nextElementSibling.textContent = `now T₀ ${seconds < 0 ? "−" : "+"} ${age(seconds)}`;
    }
  };
  tick();
  setInterval(tick, 10000);
})();
