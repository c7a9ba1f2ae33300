// Dragging by mouse, finger and pen: what it looks like, what it does, and what it refuses.
import { column, drag, expect, openBoard, test, tile } from '../server.mjs';

const GREEN = 'Say good night after ten';
const RED = 'Make the lamp shine farther';

const middle = async (locator) => {
  const box = await locator.boundingBox();
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
};

// Picks a card up with the mouse and holds it over a column.
async function hold(page, title, from, to) {
  const start = await middle(tile(page, from, title));
  const target = await column(page, to).boundingBox();
  await page.mouse.move(start.x, start.y);
  await page.mouse.down();
  await page.mouse.move(start.x + 8, start.y + 8, { steps: 2 });
  await page.mouse.move(target.x + target.width / 2, target.y + 160, { steps: 6 });
}

// Names of a column's cards, in order.
const titles = (page, where) =>
  column(page, where).getByRole('article').evaluateAll((cards) => cards.map((card) => card.getAttribute('aria-label')));

test('what a person sees while dragging, and Escape', async ({ page, server, complaints }) => {
  await openBoard(page, server);
  await hold(page, GREEN, 'Backlog', 'Plan');
  const original = tile(page, 'Backlog', GREEN);
  await expect(original).toHaveCSS('opacity', '0.4');
  const preview = page.locator('.drag-preview');
  await expect(preview).toContainText(GREEN);
  expect(await preview.evaluate((element) => getComputedStyle(element).transform)).toMatch(/^matrix\(1, 0, 0, 1,/);
  await expect(page.locator('.place-line')).toHaveCSS('height', '2px');
  await expect(column(page, 'Plan')).toHaveAttribute('data-drop', 'over');
  const over = await column(page, 'Plan').evaluate((element) => getComputedStyle(element).backgroundColor);
  const beside = await column(page, 'Backlog').evaluate((element) => getComputedStyle(element).backgroundColor);
  expect(over).not.toBe(beside);
  const target = await column(page, 'Review').boundingBox();
  await page.mouse.move(target.x + 60, target.y + 160, { steps: 3 });
  await expect(column(page, 'Review')).toContainText('One stage at a time: Plan comes next.');
  await expect(page.locator('.place-line')).toHaveCount(0);
  await page.keyboard.press('Escape');
  await expect(preview).toHaveCount(0);
  const home = await middle(original);
  await page.mouse.move(home.x, home.y);
  await page.mouse.up();
  await expect(page).toHaveURL(`${server.url}/`);
  await expect(original).toHaveCSS('opacity', '1');
  await expect(page.getByRole('status')).toContainText('Dragging cancelled');
  expect(complaints).toEqual([]);
});

test('a drop shows at once, and is marked when the server has agreed', async ({ page, server }) => {
  await openBoard(page, server);
  let agree;
  await page.route('**/ui/move_card', async (route) => {
    await new Promise((resolve) => (agree = resolve));
    await route.continue();
  });
  await drag(page, GREEN, 'Backlog', 'Plan');
  const moved = tile(page, 'Plan', GREEN);
  await expect(moved).toContainText('Queued');
  await expect(moved).not.toHaveAttribute('data-flash');
  await expect.poll(() => agree !== undefined).toBe(true);
  await moved.evaluate((element) => {
    window.flashed = new Promise((resolve) => {
      let began;
      new MutationObserver(() => {
        if (element.hasAttribute('data-flash')) began = performance.now();
        else resolve(performance.now() - began);
      }).observe(element, { attributeFilter: ['data-flash'] });
    });
  });
  agree();
  const lasted = await page.evaluate(() => window.flashed);
  expect(lasted).toBeGreaterThan(600);
  expect(lasted).toBeLessThan(2_000);
  await expect(page.getByRole('status')).toContainText(`${GREEN} moved from Backlog to Plan. Planner is starting.`);
});

test('a refusal puts the card back and says why', async ({ page, server }) => {
  await openBoard(page, server);
  const [card] = (await server.api('GET', '/cards')).items.filter((card) => card.title === GREEN);
  // Somebody else is quicker, and this window has not heard of it.
  await page.routeWebSocket(/events\/socket/, () => {});
  await page.reload();
  await openBoard(page, server);
  await server.api('POST', `/cards/${card.id}/moves`, { to: 'plan' });
  await drag(page, GREEN, 'Backlog', 'Plan');
  await expect(page.getByRole('alert')).toContainText(`${GREEN} stays in Backlog`);
  await expect(tile(page, 'Backlog', GREEN)).toBeVisible();
});

test('onward from a green gate approves, from a red one asks why', async ({ page, server, complaints }) => {
  await openBoard(page, server);
  await drag(page, RED, 'Backlog', 'Plan');
  await expect(tile(page, 'Plan', RED)).toContainText('Needs approval');
  await hold(page, RED, 'Plan', 'Build');
  await expect(column(page, 'Build')).toContainText('The gate is red');
  await page.mouse.up();
  const dialog = page.getByRole('dialog', { name: 'The gate is red' });
  await dialog.getByLabel('Reason').fill('The lamp is old.');
  await dialog.getByRole('button', { name: 'Override' }).click();
  await expect(tile(page, 'Build', RED)).toBeVisible();
  // The board shows a move before the server has agreed.
  const inBuild = async () => (await server.api('GET', '/cards?stage=build')).items;
  await expect.poll(inBuild).toHaveLength(1);
  const [card] = await inBuild();
  const gates = (await server.api('GET', `/cards/${card.id}/gates`)).items;
  expect(gates[0]).toMatchObject({ state: 'overridden', reason: 'The lamp is old.' });
  expect(complaints).toEqual([]);
});

test('the order within a column is kept', async ({ page, server }) => {
  await openBoard(page, server);
  const before = await titles(page, 'Backlog');
  const last = tile(page, 'Backlog', before.at(-1));
  const first = await tile(page, 'Backlog', before[0]).boundingBox();
  const start = await middle(last);
  await page.mouse.move(start.x, start.y);
  await page.mouse.down();
  await page.mouse.move(start.x, start.y - 20, { steps: 3 });
  await page.mouse.move(first.x + first.width / 2, first.y + 4, { steps: 6 });
  await page.mouse.up();
  const wanted = [before.at(-1), ...before.slice(0, -1)];
  await expect.poll(() => titles(page, 'Backlog')).toEqual(wanted);
  await expect(page.getByRole('status')).toContainText(`is 1 of ${before.length} in Backlog`);
  await page.reload();
  await expect.poll(() => titles(page, 'Backlog')).toEqual(wanted);
});

test('a pen drags at once', async ({ page, server }) => {
  await openBoard(page, server);
  const start = await middle(tile(page, 'Backlog', GREEN));
  const target = await column(page, 'Plan').boundingBox();
  const pen = await page.context().newCDPSession(page);
  const to = (type, x, y, buttons) =>
    pen.send('Input.dispatchMouseEvent', { type, x, y, buttons, button: buttons ? 'left' : 'none', clickCount: 1, pointerType: 'pen' });
  await to('mouseMoved', start.x, start.y, 0);
  await expect(tile(page, 'Backlog', GREEN)).toHaveCSS('touch-action', 'none');
  await to('mousePressed', start.x, start.y, 1);
  for (const share of [0.1, 0.4, 0.7, 1]) {
    await to('mouseMoved', start.x + (target.x + 80 - start.x) * share, start.y + (target.y + 160 - start.y) * share, 1);
  }
  await expect(page.locator('.drag-preview')).toBeVisible();
  await pen.send('Input.dispatchMouseEvent', { type: 'mouseReleased', x: target.x + 80, y: target.y + 160, button: 'left', clickCount: 1, pointerType: 'pen' });
  await expect(tile(page, 'Plan', GREEN)).toBeVisible();
});

test.describe('by touch', () => {
  test.use({ hasTouch: true, viewport: { width: 820, height: 500 } });

  // One finger, as the browser's own input has it.
  async function finger(page) {
    const input = await page.context().newCDPSession(page);
    const send = (type, points) => input.send('Input.dispatchTouchEvent', { type, touchPoints: points });
    return {
      down: (x, y) => send('touchStart', [{ x, y }]),
      move: (x, y) => send('touchMove', [{ x, y }]),
      up: () => send('touchEnd', []),
    };
  }

  test('a finger that rests drags', async ({ page, server, complaints }) => {
    await openBoard(page, server);
    const touch = await finger(page);
    const start = await middle(tile(page, 'Backlog', GREEN));
    const target = await column(page, 'Plan').boundingBox();
    await touch.down(start.x, start.y);
    await expect(page.locator('.drag-preview')).toBeVisible();
    for (let step = 1; step <= 8; step++) {
      await touch.move(start.x + ((target.x + target.width / 2 - start.x) * step) / 8, start.y + ((target.y + 120 - start.y) * step) / 8);
    }
    await expect(column(page, 'Plan')).toHaveAttribute('data-drop', 'over');
    await touch.up();
    await expect(tile(page, 'Plan', GREEN)).toBeVisible();
    await expect(page).toHaveURL(`${server.url}/`);
    expect(complaints).toEqual([]);
  });

  test('a finger that moves first scrolls', async ({ page, server }) => {
    await openBoard(page, server);
    const list = column(page, 'Backlog').getByRole('list');
    await expect.poll(() => list.evaluate((element) => element.scrollHeight > element.clientHeight + 60)).toBe(true);
    const box = await list.boundingBox();
    const touch = await finger(page);
    const [x, y] = [box.x + box.width / 2, box.y + box.height - 30];
    await touch.down(x, y);
    for (let step = 1; step <= 8; step++) await touch.move(x, y - step * 20);
    await touch.up();
    await expect.poll(() => list.evaluate((element) => element.scrollTop)).toBeGreaterThan(40);
    await expect(page.locator('.drag-preview')).toHaveCount(0);
    expect(await server.api('GET', '/cards?stage=plan')).toMatchObject({ items: [] });
  });
});
