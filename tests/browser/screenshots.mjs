// Makes the README's pictures in screenshots/ from the built program on its sample project, with a card at each
// stage. With --all it makes every page in both themes at three widths instead, in pictures/, to be looked at.
//
//   cargo build && node tests/browser/screenshots.mjs [--all]
//
// SLIPWAY_BIN names another binary, CHROMIUM another browser than the one that Playwright brings.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const BINARY = process.env.SLIPWAY_BIN ?? join(HERE, "../../target/debug/slipway");
const ALL = process.argv.includes("--all");
const PICTURES = join(HERE, ALL ? "pictures" : "screenshots");
const SIZES = [
  { width: 1440, height: 900 },
  { width: 820, height: 1180 },
  { width: 390, height: 844 },
];
/** An agent on the sample takes about a second; a loaded machine gets a minute. */
const STAGE_MS = 60_000;
const STAGES = ["plan", "build", "review", "ship"];
/** How far each card of the sample goes, by its number. */
const WAY = { 1: "landed", 2: "review", 3: "build", 5: "plan" };

/** The `chromium` of whichever Playwright is installed beside this file. */
function playwright() {
  const require = createRequire(import.meta.url);
  for (const name of ["@playwright/test", "playwright", "playwright-core"]) {
    try {
      return require(name).chromium;
    } catch (error) {
      if (error.code !== "MODULE_NOT_FOUND") throw error;
    }
  }
  throw new Error("Playwright is missing: run `npm install` in tests/browser first.");
}

/** Starts the program on a fresh data directory, outside any repository so that it makes its sample. */
async function start(data) {
  const server = spawn(BINARY, ["--port", "0", "--no-open", "--data-dir", join(data, "data")], {
    cwd: data,
    env: { ...process.env, ...identity() },
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: server.stdout })) {
    const link = line.match(/http:\S+/)?.[0];
    if (link) return { server, link: new URL(link) };
  }
  throw new Error(`${BINARY} ended before it was ready.`);
}

/** Ship wants to know who commits. */
function identity() {
  return { GIT_AUTHOR_NAME: "Ada", GIT_AUTHOR_EMAIL: "ada@example.org", GIT_COMMITTER_NAME: "Ada", GIT_COMMITTER_EMAIL: "ada@example.org" };
}

/** A caller of the API that fails with the server's own words. */
function api(link) {
  const token = link.searchParams.get("token");
  return async (path, body) => {
    const answer = await fetch(new URL(`/api/v1${path}`, link), {
      method: body ? "POST" : "GET",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${text}`);
    return text && JSON.parse(text);
  };
}

/** Waits until the card has one of these statuses. */
async function settled(call, id, ...statuses) {
  const until = Date.now() + STAGE_MS;
  while (Date.now() < until) {
    const card = await call(`/cards/${id}`);
    if (statuses.includes(card.status)) return card;
    if (card.status === "failed") throw new Error(`#${card.number} failed at ${card.stage}.`);
    await new Promise((wake) => setTimeout(wake, 100));
  }
  throw new Error(`Card ${id} was not ${statuses.join(" or ")} within ${STAGE_MS} ms.`);
}

async function advance(call, card) {
  const goal = WAY[card.number];
  if (!goal) return;
  for (const stage of STAGES) {
    await call(`/cards/${card.id}/moves`, { to: stage });
    await settled(call, card.id, "needs_approval");
    if (stage === goal) return;
  }
  await call(`/cards/${card.id}/gate`, { decision: "approve" });
  await settled(call, card.id, "shipped");
}

/** The README's few. */
function readmeViews(numbered) {
  return [
    { name: "board", path: "/" },
    { name: "card-gate", path: `/cards/${numbered(5)}` },
    { name: "card-diff", path: `/cards/${numbered(2)}`, at: "#artifact-diff" },
  ];
}

/** Every page, and every dialog that has a way to be opened; `act` gets the page once it has come alive. */
function allViews(numbered, project) {
  const press = (key) => (page) => page.keyboard.press(key);
  const click = (name) => (page) => page.getByRole("button", { name, exact: true }).click();
  return [
    { name: "board", path: "/" },
    { name: "board-filtered", path: "/?q=nothing" },
    { name: "board-menu", path: "/", act: (page) => page.getByRole("button", { name: /^Actions for/ }).first().click() },
    { name: "board-switcher", path: "/", act: (page) => page.getByLabel(/^Project: /).click() },
    { name: "board-new-card", path: "/", act: press("c") },
    { name: "board-keys", path: "/", act: press("?") },
    { name: "card-red-gate", path: `/cards/${numbered(5)}`, whole: true },
    { name: "card-diff", path: `/cards/${numbered(2)}`, whole: true },
    { name: "card-shipped", path: `/cards/${numbered(1)}`, whole: true },
    { name: "card-backlog", path: `/cards/${numbered(4)}`, whole: true },
    { name: "projects", path: "/projects" },
    { name: "projects-add", path: "/projects?add=", act: (page) => page.getByLabel("Path").fill("/") },
    { name: "settings", path: `/projects/${project}`, whole: true },
    { name: "settings-remove", path: `/projects/${project}`, act: click("Remove project…") },
    { name: "inbox", path: "/inbox", whole: true },
    { name: "archive", path: "/archive", whole: true },
    { name: "not-found", path: "/nowhere" },
  ];
}

async function take(browser, link, views, scheme, size) {
  const context = await browser.newContext({ viewport: size, colorScheme: scheme, reducedMotion: "reduce" });
  const page = await context.newPage();
  await page.goto(link.href);
  await page.locator("article[data-card]").first().waitFor();
  for (const { name, path, at, act, whole } of views) {
    await page.goto(new URL(path, link).href, { waitUntil: "networkidle" });
    if (at) await page.locator(at).evaluate((element) => element.scrollIntoView());
    await act?.(page);
    if (act) await page.waitForLoadState("networkidle");
    const width = ALL ? `-${size.width}` : "";
    await page.screenshot({ path: join(PICTURES, `${name}${width}-${scheme}.png`), fullPage: ALL && whole });
  }
  await context.close();
}

const chromium = playwright();
const data = mkdtempSync(join(tmpdir(), "slipway-pictures-"));
let server;
try {
  const started = await start(data);
  server = started.server;
  const { link } = started;
  const call = api(link);
  const { items } = await call("/cards");
  for (const card of items) await advance(call, card);
  const numbered = (number) => items.find((card) => card.number === number).id;
  const views = ALL ? allViews(numbered, items[0].project_id) : readmeViews(numbered);
  mkdirSync(PICTURES, { recursive: true });
  const own = process.env.CHROMIUM ?? (existsSync(chromium.executablePath()) ? undefined : "/usr/bin/chromium");
  const browser = await chromium.launch({ executablePath: own, args: ["--no-sandbox", "--disable-gpu"] });
  for (const size of ALL ? SIZES : SIZES.slice(0, 1)) {
    for (const scheme of ["light", "dark"]) await take(browser, link, views, scheme, size);
  }
  await browser.close();
} finally {
  if (server && server.exitCode === null) {
    const ended = new Promise((end) => server.once("exit", end));
    server.kill("SIGTERM");
    await ended;
  }
  rmSync(data, { recursive: true, force: true });
}
