// Nothing that was typed is lost: reloads, closed dialogs, two people at one card.
import { expect, openBoard, test, tile } from '../server.mjs';

const newCard = (page) => page.getByRole('dialog', { name: 'New card' });
const editCard = (page) => page.getByRole('dialog', { name: 'Edit card' });

async function editFromMenu(page, title) {
  await tile(page, 'Backlog', title).getByRole('button', { name: `Actions for ${title}` }).click();
  await page.getByRole('menuitem', { name: 'Edit…' }).click();
  await expect(editCard(page).getByLabel('Title')).toHaveValue(title);
  return editCard(page);
}

test('a new card outlives a reload until it is discarded or made', async ({ page, server, complaints }) => {
  await openBoard(page, server);
  await page.keyboard.press('c');
  await newCard(page).getByLabel('Title').fill('Half a thought');
  await newCard(page).getByLabel('Description').fill('and the other half');
  await page.reload();
  await openBoard(page, server);
  await page.keyboard.press('c');
  await expect(newCard(page).getByText('This is your draft from before.')).toBeVisible();
  await expect(newCard(page).getByLabel('Title')).toHaveValue('Half a thought');
  await expect(newCard(page).getByLabel('Description')).toHaveValue('and the other half');
  await newCard(page).getByRole('button', { name: 'Discard it' }).click();
  await expect(newCard(page).getByLabel('Title')).toHaveValue('');
  await page.reload();
  await openBoard(page, server);
  await page.keyboard.press('c');
  await expect(newCard(page).getByLabel('Title')).toHaveValue('');
  await newCard(page).getByLabel('Title').fill('A whole thought');
  await newCard(page).getByLabel('Description').press('Control+Enter');
  await expect(tile(page, 'Backlog', 'A whole thought')).toBeFocused();
  await page.keyboard.press('c');
  await expect(newCard(page).getByLabel('Title')).toHaveValue('');
  expect(complaints).toEqual([]);
});

test('an edit outlives a reload, on the board and on the card alike', async ({ page, server, complaints }) => {
  await openBoard(page, server);
  const dialog = await editFromMenu(page, 'Tidy the attic');
  await dialog.getByLabel('Description').fill('Only sweep it.');
  await page.reload();
  await tile(page, 'Backlog', 'Tidy the attic').getByRole('link', { name: 'Tidy the attic' }).click();
  await page.getByRole('button', { name: 'Edit', exact: true }).click();
  await expect(editCard(page).getByText('This is your draft from before.')).toBeVisible();
  await expect(editCard(page).getByLabel('Description')).toHaveValue('Only sweep it.');
  await editCard(page).getByRole('button', { name: 'Save' }).click();
  await expect(editCard(page)).toBeHidden();
  await expect(page.getByText('Only sweep it.')).toBeVisible();
  expect(complaints).toEqual([]);
});

test('two people who edit one card are told at once, and neither text is lost', async ({ page, server, context, complaints }) => {
  await openBoard(page, server);
  const other = await context.newPage();
  await openBoard(other, server);
  const mine = await editFromMenu(page, 'Tidy the attic');
  const theirs = await editFromMenu(other, 'Tidy the attic');
  await mine.getByLabel('Description').fill('Mine.');
  await theirs.getByLabel('Description').fill('Theirs.');
  await theirs.getByRole('button', { name: 'Save' }).click();
  await expect(theirs).toBeHidden();
  // Without a click: the other save shows under the open editor.
  const conflict = mine.getByRole('alert');
  await expect(conflict).toContainText('Someone else has saved this card');
  await expect(conflict).toContainText('Theirs.');
  await expect(mine.getByLabel('Description', { exact: true })).toHaveValue('Mine.');
  await expect(mine.getByRole('button', { name: 'Save', exact: true })).toBeDisabled();
  await conflict.getByRole('button', { name: 'Merge by hand' }).click();
  await mine.getByLabel('Description', { exact: true }).fill('Mine and theirs.');
  await mine.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(mine).toBeHidden();
  const [card] = (await server.api('GET', '/cards?q=attic')).items;
  expect((await server.api('GET', `/cards/${card.id}`)).body).toBe('Mine and theirs.');

  // Whoever has typed nothing simply sees the new text.
  const reader = await editFromMenu(other, 'Tidy the attic');
  await server.api('PATCH', `/cards/${card.id}`, { body: 'By a script.' });
  await expect(reader.getByLabel('Description')).toHaveValue('By a script.');
  await expect(reader.getByText('Someone else has just saved this card.')).toBeVisible();
  expect(complaints).toEqual([]);
});
