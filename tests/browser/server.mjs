// Starts the built binary for one test, on a data directory and a home of its own, and ends it after.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { test as base, expect } from '@playwright/test';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const binary = process.env.SLIPWAY_BIN ?? join(root, 'target/debug/slipway');

class Server {
  constructor() {
    if (!existsSync(binary)) throw new Error(`${binary} is not built; run \`cargo build -p slipway-server\` first`);
    this.dir = mkdtempSync(join(tmpdir(), 'slipway-browser-'));
    this.home = join(this.dir, 'home');
    this.data = join(this.dir, 'data');
    mkdirSync(this.home);
    writeFileSync(join(this.home, '.gitconfig'), '[user]\n\tname = Ada\n\temail = ada@example.org\n');
    this.port = 0;
  }

  // Resolves once the ready line is there.
  async start(...args) {
    const env = { PATH: process.env.PATH, HOME: this.home, SLIPWAY_LOG: 'warn' };
    this.child = spawn(binary, ['--port', String(this.port), '--data-dir', this.data, ...args], {
      cwd: this.dir,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const line = await new Promise((resolve, reject) => {
      createInterface({ input: this.child.stdout }).once('line', resolve);
      this.child.once('exit', (code) => reject(new Error(`the server ended with ${code} before it was ready`)));
    });
    this.link = line.replace('Slipway is ready at ', '');
    this.url = new URL(this.link).origin;
    this.port = Number(new URL(this.link).port);
    this.token = new URL(this.link).searchParams.get('token');
    return this;
  }

  async stop(signal = 'SIGTERM') {
    if (!this.child || this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill(signal);
    await ended;
  }

  async api(method, path, body) {
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  // What git says in the sample project's repository.
  git(...args) {
    const at = join(this.data, 'sample', 'lighthouse');
    return execFileSync('git', ['-C', at, ...args], { encoding: 'utf8', env: { PATH: process.env.PATH, HOME: this.home } });
  }

  clean() {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

// A started server with the sample project, and pages that fail the test for anything on their console.
export const test = base.extend({
  server: async ({}, use) => {
    const server = new Server();
    await server.start();
    await use(server);
    await server.stop();
    server.clean();
  },
  complaints: async ({ page }, use) => {
    const complaints = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    await use(complaints);
  },
});

export { expect };

// Signs in with the link that the server printed. Its page leads on to the board by itself; whoever goes elsewhere
// before that is brought back.
export async function signIn(page, server) {
  await page.goto(server.link);
  await expect(page).toHaveURL(`${server.url}/`);
}

// Opens the board and waits until it can be used.
export async function openBoard(page, server) {
  await signIn(page, server);
  await expect(page.getByRole('region', { name: 'Backlog' })).toBeVisible();
  // Once the page has come alive, one card is reachable with the Tab key.
  await expect(page.locator('article[tabindex="0"]').first()).toBeAttached();
}

export const column = (page, name) => page.getByRole('region', { name, exact: true });
export const tile = (page, where, title) => column(page, where).getByRole('article', { name: title });

// Drags a card with the mouse, in steps as a hand does.
export async function drag(page, title, from, to) {
  const card = await tile(page, from, title).boundingBox();
  const target = await column(page, to).boundingBox();
  await page.mouse.move(card.x + card.width / 2, card.y + card.height / 2);
  await page.mouse.down();
  for (let step = 1; step <= 12; step++) {
    await page.mouse.move(
      card.x + card.width / 2 + ((target.x + target.width / 2 - card.x - card.width / 2) * step) / 12,
      card.y + card.height / 2 + ((target.y + 160 - card.y - card.height / 2) * step) / 12,
    );
  }
  await page.mouse.up();
}
