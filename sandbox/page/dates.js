// Slack's date tokens, `<!date^unix^format^link|fallback>`, in the browser's time zone.

import { el } from "./dom.js";

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const AGO = new Intl.RelativeTimeFormat("en-US");

/** A node for the token, without its brackets and fallback. */
export function date(token, fallback, link) {
  const [, seconds, format, address] = token.split("^");
  const at = new Date(Number(seconds) * 1000);
  if (Number.isNaN(at.getTime()) || !format) return fallback;
  const shown = el(
    "time",
    { datetime: at.toISOString(), title: at.toString(), "data-format": format },
    words(at, format),
  );
  return address ? link(address, shown) : shown;
}

/** Refresh the relative dates on the page (“2 minutes ago”, “today”). */
export function tickDates() {
  for (const each of document.querySelectorAll("time[data-format]")) {
    const now = words(new Date(each.dateTime), each.dataset.format);
    if (each.textContent !== now) each.textContent = now;
  }
}

function words(at, format) {
  const as = (options) => at.toLocaleString("en-US", options);
  const long = { month: "long", day: "numeric", year: "numeric" };
  const formats = {
    date_num: () => `${at.getFullYear()}-${as({ month: "2-digit" })}-${as({ day: "2-digit" })}`,
    date: () => as(long),
    date_short: () => as({ ...long, month: "short" }),
    date_long: () => as({ ...long, weekday: "long" }),
    time: () => as({ hour: "numeric", minute: "2-digit" }),
    time_secs: () => as({ hour: "numeric", minute: "2-digit", second: "2-digit" }),
    ago: () => ago(at),
  };
  return format.replace(/\{(\w+?)(_pretty)?\}/g, (whole, name, pretty, index) => {
    if (!formats[name]) return whole;
    return (pretty && dayWord(at, index === 0)) || formats[name]();
  });
}

function ago(at) {
  const seconds = Math.round((at - Date.now()) / 1000);
  const [unit, length] = UNITS.find(([, each]) => Math.abs(seconds) >= each) ?? UNITS.at(-1);
  return AGO.format(Math.trunc(seconds / length), unit);
}

function dayWord(at, capital) {
  const day = (time) => new Date(time).setHours(12, 0, 0, 0);
  const word = { "-1": "yesterday", 0: "today", 1: "tomorrow" }[Math.round((day(at) - day(Date.now())) / 864e5)];
  return word && (capital ? word[0].toUpperCase() + word.slice(1) : word);
}
