// The board by keyboard alone.
import { column, expect, openBoard, test, tile } from '../server.mjs';

const TITLE = 'Say good night after ten';

const focused = (page) => page.evaluate(() => document.activeElement?.closest('article')?.getAttribute('aria-label'));
const titles = (page, where) =>
  column(page, where).getByRole('article').evaluateAll((cards) => cards.map((card) => card.getAttribute('aria-label')));

// From wherever the focus is to the card.
async function goTo(page, title) {
  for (let presses = 0; presses < 12 && (await focused(page)) !== title; presses++) await page.keyboard.press('ArrowDown');
  expect(await focused(page)).toBe(title);
}

test('from the backlog to a commit', async ({ page, server, complaints }) => {
  await openBoard(page, server);
  await goTo(page, TITLE);
  for (const to of ['Plan', 'Build', 'Review', 'Ship']) {
    await page.keyboard.press('m');
    const item = page.getByRole('menuitem', { name: `Move to ${to}` });
    await expect(item).toBeVisible();
    for (let presses = 0; presses < 16 && !(await item.evaluate((element) => element === document.activeElement)); presses++) {
      await page.keyboard.press('ArrowDown');
    }
    await page.keyboard.press('Enter');
    await expect(tile(page, to, TITLE)).toBeFocused();
    await expect(tile(page, to, TITLE)).toContainText('Needs approval');
    await expect(tile(page, to, TITLE)).toBeFocused();
  }
  await page.keyboard.press('a');
  await expect(tile(page, 'Ship', TITLE)).toContainText('Shipped');
  expect(server.git('log', '--format=%s', '-1').trim()).toBe(TITLE);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/cards\//);
  expect(complaints).toEqual([]);
});

test('approving goes on from a green gate, and the focus goes along', async ({ page, server }) => {
  const [card] = (await server.api('GET', '/cards')).items.filter((card) => card.title === TITLE);
  await server.api('POST', `/cards/${card.id}/moves`, { to: 'plan' });
  await openBoard(page, server);
  await expect(tile(page, 'Plan', TITLE)).toContainText('Needs approval');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  await expect(tile(page, 'Plan', TITLE)).toBeFocused();
  await page.keyboard.press('a');
  await expect(tile(page, 'Build', TITLE)).toBeFocused();
});

test('arrows, Tab, and places in the column', async ({ page, server }) => {
  await openBoard(page, server);
  const before = await titles(page, 'Backlog');
  expect(await page.locator('article[tabindex="0"]').count()).toBe(1);
  await page.locator('article[tabindex="0"]').focus();
  await page.keyboard.press('End');
  expect(await focused(page)).toBe(before.at(-1));
  await page.keyboard.press('Home');
  expect(await focused(page)).toBe(before[0]);
  await page.keyboard.press('ArrowDown');
  expect(await focused(page)).toBe(before[1]);
  expect(await page.locator('article[tabindex="0"]').getAttribute('aria-label')).toBe(before[1]);
  await page.keyboard.press('Alt+ArrowUp');
  await expect.poll(() => titles(page, 'Backlog')).toEqual([before[1], before[0], ...before.slice(2)]);
  expect(await focused(page)).toBe(before[1]);
  await page.keyboard.press('Alt+Shift+ArrowDown');
  const wanted = [before[0], ...before.slice(2), before[1]];
  await expect.poll(() => titles(page, 'Backlog')).toEqual(wanted);
  await expect(page.getByRole('status')).toContainText(`${before[1]} is ${before.length} of ${before.length} in Backlog`);
  expect(await focused(page)).toBe(before[1]);
  await page.keyboard.press('m');
  await page.getByRole('menuitem', { name: 'Move to top' }).press('Enter');
  await expect.poll(() => titles(page, 'Backlog')).toEqual([before[1], before[0], ...before.slice(2)]);
  await page.reload();
  await expect.poll(() => titles(page, 'Backlog')).toEqual([before[1], before[0], ...before.slice(2)]);
});

test('keys that open things, and none of them in a field', async ({ page, server }) => {
  await openBoard(page, server);
  await page.keyboard.press('/');
  const search = page.getByRole('searchbox', { name: 'Search cards' });
  await expect(search).toBeFocused();
  await page.keyboard.type('cxma?');
  await expect(search).toHaveValue('cxma?');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(column(page, 'Backlog')).toContainText('No card here matches the filter.');
  await search.fill('');
  await search.blur();
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await page.keyboard.press('c');
  await expect(page.getByRole('dialog', { name: 'New card' }).getByLabel('Title')).toBeFocused();
});
