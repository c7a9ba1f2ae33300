// Cards as things people write.
import { column, expect, openBoard, test, tile } from '../server.mjs';

const newCard = (page) => page.getByRole('dialog', { name: 'New card' });

async function choose(page, title, item) {
  await tile(page, 'Backlog', title).getByRole('button', { name: `Actions for ${title}`, exact: true }).click();
  await page.getByRole('menuitem', { name: item, exact: true }).click();
}

test('written with a preview and a playbook block', async ({ page, server, complaints }) => {
  await openBoard(page, server);
  await page.getByRole('button', { name: 'New card' }).click();
  const dialog = newCard(page);
  await dialog.getByLabel('Title').fill('Sweep the stairs');
  await dialog.getByLabel('Description').fill('All **112** of them.<script>alert(1)</script>');
  await dialog.getByRole('button', { name: 'Preview' }).click();
  const preview = dialog.getByRole('region', { name: 'Preview' });
  await expect(preview.locator('strong')).toHaveText('112');
  await expect(preview.locator('script')).toHaveCount(0);
  await dialog.getByText('Playbook blocks').click();
  await dialog.getByRole('button', { name: 'Insert edit PATH', exact: true }).click();
  const description = dialog.getByLabel('Description');
  await expect(description).toHaveValue(/of them\.<script>alert\(1\)<\/script>\n\n```edit PATH\n<<<<<<< SEARCH\n/);
  expect(await description.evaluate((field) => field.value.slice(field.selectionStart, field.selectionEnd))).toBe('PATH');
  await expect(preview.locator('figcaption')).toHaveText('edit PATH');
  await dialog.getByRole('button', { name: 'Create card' }).click();
  await expect(tile(page, 'Backlog', 'Sweep the stairs')).toBeFocused();
  expect(complaints).toEqual([]);
});

test('refused in words, beside the fields', async ({ page, server }) => {
  await openBoard(page, server);
  await page.keyboard.press('c');
  const dialog = newCard(page);
  await dialog.getByLabel('Title').fill('   ');
  await dialog.getByRole('button', { name: 'Create card' }).click();
  await expect(dialog.getByRole('alert')).toContainText('Give the card a title');
});

test('duplicated, archived and taken back', async ({ page, server, complaints }) => {
  const title = 'Tidy the attic';
  await openBoard(page, server);
  await choose(page, title, 'Duplicate');
  await expect(tile(page, 'Backlog', `${title} (copy)`)).toBeFocused();
  const cards = (await server.api('GET', '/cards?q=attic')).items;
  const bodies = await Promise.all(cards.map(async (card) => (await server.api('GET', `/cards/${card.id}`)).body));
  expect(bodies).toHaveLength(2);
  expect(bodies[0]).toBe(bodies[1]);
  await choose(page, `${title} (copy)`, 'Archive');
  await expect(tile(page, 'Backlog', `${title} (copy)`)).toHaveCount(0);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(tile(page, 'Backlog', `${title} (copy)`)).toBeVisible();
  await expect(column(page, 'Backlog').getByRole('article')).toHaveCount(6);
  expect(complaints).toEqual([]);
});
