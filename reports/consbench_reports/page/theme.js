"use strict";

/* Light, dark, or as the system has it: one button that takes turns. Nothing is stored. */

const THEMES = ["light dark", "light", "dark"];
const NAMES = { "light dark": "as the system", light: "light", dark: "dark" };

document.getElementById("theme").addEventListener("click", (event) => {
  const root = document.documentElement;
  const next = THEMES[(THEMES.indexOf(root.style.colorScheme || THEMES[0]) + 1) % THEMES.length];
  root.style.colorScheme = next;
  event.currentTarget.querySelector("span").textContent = NAMES[next];
});
