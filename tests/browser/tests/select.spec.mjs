// Several cards at once.
import { column, expect, openBoard, test, tile } from '../server.mjs';

const bar = (page) => page.getByRole('region', { name: 'Selection' });
const titles = (page, where) =>
  column(page, where).getByRole('article').evaluateAll((cards) => cards.map((card) => card.getAttribute('aria-label')));

test('selected by click and key, moved together, refusals said card by card', async ({ page, server, complaints }) => {
  const [first, second, third] = (await server.api('GET', '/cards')).items;
  await server.api('POST', `/cards/${third.id}/moves`, { to: 'plan' });
  await openBoard(page, server);
  await expect(tile(page, 'Plan', third.title)).toContainText('Needs approval');
  await tile(page, 'Backlog', first.title).click({ modifiers: ['Control'], position: { x: 20, y: 40 } });
  await expect(bar(page)).toContainText('1 selected');
  await expect(tile(page, 'Backlog', first.title)).toContainText('Selected');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('x');
  await tile(page, 'Plan', third.title).click({ modifiers: ['Control'], position: { x: 20, y: 40 } });
  await expect(bar(page)).toContainText('3 selected');
  await bar(page).getByRole('button', { name: 'Move to…' }).click();
  await expect(page.getByRole('menuitem', { name: 'Move to Plan' })).toContainText('2 of 3');
  await page.getByRole('menuitem', { name: 'Move to Plan' }).click();
  await expect.poll(() => titles(page, 'Plan')).toEqual([third.title, first.title, second.title]);
  const alert = page.getByRole('alert');
  await expect(alert).toContainText('1 of 3 cards did not move to Plan');
  await expect(alert).toContainText(`${third.title}: The card is already here.`);
  await expect(bar(page)).toContainText('1 selected');
  expect((await server.api('GET', '/cards?stage=plan')).items).toHaveLength(3);
  await tile(page, 'Plan', third.title).focus();
  await page.keyboard.press('Escape');
  await expect(bar(page)).toHaveCount(0);
  expect(complaints).toEqual([]);
});

test('a range with Shift, archived together', async ({ page, server }) => {
  await openBoard(page, server);
  const all = await titles(page, 'Backlog');
  await tile(page, 'Backlog', all[0]).click({ modifiers: ['Control'], position: { x: 20, y: 40 } });
  await tile(page, 'Backlog', all[2]).click({ modifiers: ['Shift'], position: { x: 20, y: 40 } });
  await expect(bar(page)).toContainText('3 selected');
  await expect(page).toHaveURL(`${server.url}/`);
  await page.keyboard.press('Shift+ArrowDown');
  await expect(bar(page)).toContainText('4 selected');
  await bar(page).getByRole('button', { name: 'Archive' }).click();
  await expect.poll(() => titles(page, 'Backlog')).toEqual(all.slice(4));
  await expect(bar(page)).toHaveCount(0);
  await expect(page.getByRole('status')).toContainText('4 cards archived.');
});

test('selected cards are dragged together', async ({ page, server }) => {
  await openBoard(page, server);
  const all = await titles(page, 'Backlog');
  await tile(page, 'Backlog', all[1]).focus();
  await page.keyboard.press('x');
  await page.keyboard.press('Shift+ArrowDown');
  await expect(bar(page)).toContainText('2 selected');
  const card = await tile(page, 'Backlog', all[1]).boundingBox();
  const plan = await column(page, 'Plan').boundingBox();
  await page.mouse.move(card.x + 30, card.y + 30);
  await page.mouse.down();
  await page.mouse.move(plan.x + 60, plan.y + 160, { steps: 8 });
  await expect(page.locator('.drag-preview')).toContainText('2 cards');
  await page.mouse.up();
  await expect.poll(() => titles(page, 'Plan')).toEqual([all[1], all[2]]);
});

test.describe('by touch', () => {
  test.use({ hasTouch: true });

  test('from the menu, then by tapping', async ({ page, server }) => {
    await openBoard(page, server);
    const all = await titles(page, 'Backlog');
    await page.getByRole('button', { name: `Actions for ${all[0]}` }).tap();
    await page.getByRole('menuitem', { name: 'Select' }).tap();
    await expect(bar(page)).toContainText('1 selected');
    await tile(page, 'Backlog', all[1]).getByRole('link', { name: all[1] }).tap();
    await expect(bar(page)).toContainText('2 selected');
    await expect(page).toHaveURL(`${server.url}/`);
    await bar(page).getByRole('button', { name: 'Clear' }).tap();
    await expect(bar(page)).toHaveCount(0);
  });
});
