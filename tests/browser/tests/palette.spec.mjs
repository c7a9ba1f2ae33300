// Everything by a few letters.
import { column, expect, openBoard, test, tile } from '../server.mjs';

const palette = (page) => page.getByRole('dialog', { name: 'Command palette' });
const field = (page) => palette(page).getByRole('combobox');
const chosen = (page) => palette(page).getByRole('option', { selected: true });

async function open(page) {
  await page.keyboard.press('Control+k');
  await expect(field(page)).toBeFocused();
}

test('cards, the archived ones too, projects and pages', async ({ page, server, complaints }) => {
  await openBoard(page, server);
  const cards = (await server.api('GET', '/cards')).items;
  const attic = cards.find((card) => card.title === 'Tidy the attic');
  await server.api('DELETE', `/cards/${attic.id}`);
  await open(page);
  await field(page).fill('tdattc');
  await expect(chosen(page)).toContainText('Tidy the attic');
  await expect(chosen(page)).toContainText('Archive');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(`${server.url}/cards/${attic.id}`);

  // What was looked at last comes first.
  await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible();
  await open(page);
  await expect(palette(page).getByRole('option', { name: /Tidy the attic #/ })).toBeVisible();
  await field(page).fill('inbox');
  await expect(chosen(page)).toContainText('Go to the inbox');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(`${server.url}/inbox`);
  await open(page);
  await field(page).fill('lighthouse');
  await expect(chosen(page)).toContainText('Project');
  await field(page).fill('no such thing at all');
  await expect(palette(page).getByText('Nothing matches.')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(palette(page)).toBeHidden();
  expect(complaints).toEqual([]);
});

test('actions on the card at hand, and new cards from anywhere', async ({ page, server, complaints }) => {
  const title = 'Say good night after ten';
  await openBoard(page, server);
  await tile(page, 'Backlog', title).focus();
  await open(page);
  await field(page).fill('move to plan');
  await expect(chosen(page)).toContainText('Move to Plan');
  await page.keyboard.press('Enter');
  await expect(column(page, 'Plan').getByRole('article', { name: title })).toBeVisible();
  await tile(page, 'Plan', title).getByRole('link', { name: title }).click();
  await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible();
  await open(page);
  await field(page).fill('edit');
  await expect(chosen(page)).toContainText('Edit');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog', { name: 'Edit card' })).toBeVisible();
  await page.keyboard.press('Escape');
  // A page follows the stream once it has come alive; keys before that are nobody's.
  const alive = page.waitForEvent('websocket');
  await page.goto(`${server.url}/archive`);
  await alive;
  await expect(page.getByText('The archive is empty')).toBeVisible();
  await open(page);
  await field(page).fill('new card');
  await expect(chosen(page)).toContainText('New card');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog', { name: 'New card' })).toBeVisible();
  expect(complaints).toEqual([]);
});

test('arrows move the choice, and the field names it', async ({ page, server }) => {
  await openBoard(page, server);
  await open(page);
  await expect(palette(page).getByRole('option').first()).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('ArrowDown');
  await expect(field(page)).toHaveAttribute('aria-activedescendant', 'palette-1');
  await expect(palette(page).getByRole('option').nth(1)).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  await expect(palette(page).getByRole('option').last()).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('Escape');
  await expect(field(page)).toHaveCount(0);
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toContainText('Command palette');
});
