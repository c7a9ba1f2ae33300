// What a person at a browser sees of a running board, measured with real Chromium: one part of the benchmark
// for each call, one JSON document on stdout. Started by `tests/bench`, which starts the board too.
//
//   node bench.mjs PART LINK [NUMBER]
//
// LINK is the one that the server printed. NUMBER is how many changes the part makes, where it makes any.
import { chromium } from '@playwright/test';

import config from './playwright.config.mjs';

const VIEWPORT = { width: 1440, height: 900 };
// Opening the board, and dragging across it: medians of five are steady enough to compare.
const ROUNDS = 5;
// Pointer steps of one drag, as a hand makes them in about two seconds.
const DRAG_STEPS = 120;
// A board that has not come alive by then is broken, and not slow.
const PATIENCE = 60_000;
// What a page is given to become quiet.
const SETTLES = 1_500;
// Changes under way at once while events are played faster than they come.
const HANDS = 4;
// Between two changes whose way to the other window is measured.
const PAUSE = 60;

const [part, link, number] = process.argv.slice(2);
const origin = new URL(link).origin;
const token = new URL(link).searchParams.get('token');
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const sorted = (values) => [...values].sort((a, b) => a - b);
const quantile = (values, q) => sorted(values)[Math.min(values.length - 1, Math.floor(values.length * q))];

async function api(method, path, body) {
  const answer = await fetch(`${origin}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

async function cards(limit) {
  return (await api('GET', `/cards?limit=${limit}`)).items;
}

// A window with a session of its own. Its first visit, which sets the session up, is not measured.
async function openWindow(browser) {
  const context = await browser.newContext({ viewport: VIEWPORT });
  const page = await context.newPage();
  await page.goto(link);
  return page;
}

// Once the page has come alive, one card is reachable with the Tab key.
const alive = (page) => page.waitForSelector('[data-card][tabindex="0"]', { state: 'attached', timeout: PATIENCE });

// From navigation to a card that can be dragged: the moment is noted in the page, and then a card is dragged.
// Every round is a browser that has nothing of the board cached.
async function opening(browser) {
  const times = [];
  for (let round = 0; round < ROUNDS; round++) {
    const page = await openWindow(browser);
    const cold = await page.context().newCDPSession(page);
    await cold.send('Network.clearBrowserCache');
    await page.addInitScript(() => {
      const look = () => {
        if (document.querySelector('[data-card][tabindex="0"]')) window.aliveAfter = performance.now();
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
    await page.goto(origin);
    await alive(page);
    await page.waitForFunction(() => window.aliveAfter, null, { timeout: PATIENCE });
    times.push(await page.evaluate(() => window.aliveAfter));
    await grab(page);
    if (!(await page.locator('[data-dragging]').count())) throw new Error('a page that looked alive did not let a card be dragged');
    await page.keyboard.press('Escape');
    await page.mouse.up();
    await page.context().close();
  }
  return { median_ms: quantile(times, 0.5), times_ms: times };
}

async function grab(page) {
  const box = await page.locator('[data-card]').first().boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + 12);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2 + 12, box.y + 24, { steps: 3 });
  return box;
}

// The longest time between two frames while a card is carried across the board and up and down its columns.
async function dragging(browser) {
  const page = await openWindow(browser);
  await alive(page);
  await pause(SETTLES);
  const slowest = [];
  for (let round = 0; round < ROUNDS; round++) {
    const box = await grab(page);
    await page.waitForSelector('[data-dragging]', { state: 'attached' });
    await page.evaluate(() => {
      window.frames = [];
      let last = null;
      const frame = (now) => {
        if (last !== null) window.frames.push(now - last);
        last = now;
        window.frame = requestAnimationFrame(frame);
      };
      window.frame = requestAnimationFrame(frame);
    });
    for (let step = 0; step < DRAG_STEPS; step++) {
      const x = box.x + ((VIEWPORT.width - 2 * box.x) * step) / DRAG_STEPS;
      const y = VIEWPORT.height / 2 + Math.sin(step / 6) * VIEWPORT.height * 0.25;
      await page.mouse.move(x, y);
      await pause(8);
    }
    const frames = await page.evaluate(() => {
      cancelAnimationFrame(window.frame);
      return window.frames;
    });
    await page.keyboard.press('Escape');
    await page.mouse.up();
    slowest.push({ slowest_ms: Math.max(...frames), p99_ms: quantile(frames, 0.99), frames: frames.length });
    await pause(SETTLES / 3);
  }
  return { median_slowest_ms: quantile(slowest.map((round) => round.slowest_ms), 0.5), rounds: slowest };
}

// Growth of the page's memory (JavaScript and DOM heap after collection, and WebAssembly's) over `events`
// changes to the board's cards, played faster than they come in life.
async function memory(browser, events) {
  const context = await browser.newContext({ viewport: VIEWPORT });
  // Nothing else tells how large the module's memory is.
  await context.addInitScript(() => {
    const keep = (made) => {
      const instance = made.instance ?? made;
      if (instance.exports.memory) window.wasmMemory = instance.exports.memory;
      return made;
    };
    for (const name of ['instantiate', 'instantiateStreaming']) {
      const real = WebAssembly[name];
      WebAssembly[name] = (...all) => real.apply(WebAssembly, all).then(keep);
    }
  });
  const page = await context.newPage();
  await page.goto(link);
  await alive(page);
  const devtools = await context.newCDPSession(page);
  const measure = async () => {
    await pause(SETTLES);
    for (let pass = 0; pass < 3; pass++) await devtools.send('HeapProfiler.collectGarbage');
    const heap = await devtools.send('Runtime.getHeapUsage');
    const wasm = await page.evaluate(() => window.wasmMemory.buffer.byteLength);
    return { heap: heap.usedSize + (heap.embedderHeapUsedSize ?? 0), wasm };
  };
  const ids = (await cards(1_000)).map((card) => card.id);
  let made = 0;
  const before = await measure();
  const began = performance.now();
  const hand = async () => {
    while (made < events) {
      const nth = made++;
      await api('PATCH', `/cards/${ids[(nth * 7) % ids.length]}`, { title: `Card as it is after ${nth} changes` });
    }
  };
  await Promise.all(Array.from({ length: HANDS }, hand));
  const seconds = (performance.now() - began) / 1_000;
  // The page has seen them all once it shows the last of them; what is not in view is told by the stream.
  const seen = ids[0];
  await api('PATCH', `/cards/${seen}`, { title: 'The last change of all' });
  await page.locator(`[data-card="${seen}"]`).filter({ hasText: 'The last change of all' }).waitFor({ state: 'attached', timeout: PATIENCE });
  const after = await measure();
  const grown = after.heap - before.heap + after.wasm - before.wasm;
  return { events, seconds, grown_bytes: grown, before, after };
}

// Milliseconds from a change made in one window to its being painted in another one.
async function windows(browser, changes) {
  const [from, to] = [await openWindow(browser), await openWindow(browser)];
  await Promise.all([alive(from), alive(to)]);
  await pause(SETTLES);
  const card = await to.locator('[data-card]').first().getAttribute('data-card');
  await to.evaluate((card) => {
    window.seen = {};
    const look = () => {
      const title = document.querySelector(`[data-card="${card}"]`)?.getAttribute('aria-label');
      if (!title || title in window.seen) return;
      window.seen[title] = 0;
      // The frame that this change is drawn in has been painted when the next task runs.
      requestAnimationFrame(() => setTimeout(() => (window.seen[title] = performance.timeOrigin + performance.now())));
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
  }, card);
  const times = [];
  for (let nth = 0; nth < changes; nth++) {
    const title = `Seen in both windows, ${nth}`;
    const at = await from.evaluate(
      async ([card, title]) => {
        const at = performance.timeOrigin + performance.now();
        const answer = await fetch('/ui/edit_card', {
          method: 'POST',
          headers: { 'content-type': 'application/json', accept: 'application/json', 'X-Slipway-Session': localStorage.getItem('slipway.session') },
          body: JSON.stringify({ card, edit: { title } }),
        });
        if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
        return at;
      },
      [card, title],
    );
    const seen = await to.waitForFunction((title) => window.seen[title], title, { timeout: PATIENCE, polling: 20 });
    times.push((await seen.jsonValue()) - at);
    await pause(PAUSE);
  }
  return { changes, p50_ms: quantile(times, 0.5), p99_ms: quantile(times, 0.99), slowest_ms: Math.max(...times) };
}

// Every file that the browser fetches for the board, and the bytes on the wire, headers included.
async function load(browser) {
  const page = await openWindow(browser);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Network.enable');
  await devtools.send('Network.clearBrowserCache');
  const [paths, sizes] = [new Map(), []];
  devtools.on('Network.requestWillBeSent', ({ requestId, request }) => paths.set(requestId, new URL(request.url).pathname));
  devtools.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => sizes.push([paths.get(requestId), encodedDataLength]));
  await page.goto(origin);
  await alive(page);
  await page.waitForLoadState('networkidle').catch(() => {});
  await pause(SETTLES);
  return { files: sizes.map(([path, bytes]) => ({ path, bytes })) };
}

const parts = { load, opening, dragging, memory, windows };
if (!parts[part]) throw new Error(`there is no part ${part}; there are ${Object.keys(parts).join(', ')}`);
const browser = await chromium.launch(config.use.launchOptions);
try {
  console.log(JSON.stringify(await parts[part](browser, Number(number))));
} finally {
  await browser.close();
}
