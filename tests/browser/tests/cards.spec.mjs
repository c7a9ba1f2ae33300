// Cards as things people write.
import { column, expect, openBoard, signIn, test, tile } from '../server.mjs';

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

test('a template is kept, chosen, renamed and deleted', async ({ page, server, complaints }) => {
  await openBoard(page, server);
  await choose(page, 'Write knots, not kts', 'Save as template…');
  const naming = page.getByRole('dialog', { name: 'Save as template' });
  await naming.getByLabel('Name').fill('Replace a word');
  await naming.getByRole('button', { name: 'Save template' }).click();
  await expect(naming).toBeHidden();

  await page.keyboard.press('c');
  const dialog = newCard(page);
  await dialog.getByRole('combobox', { name: 'Template' }).selectOption('Replace a word');
  await expect(dialog.getByLabel('Title')).toHaveValue('Write knots, not kts');
  await expect(dialog.getByLabel('Description')).toHaveValue(/```replace docs/);
  // A second choice never takes away what was typed meanwhile.
  await dialog.getByLabel('Description').fill('My own words.');
  await dialog.getByRole('button', { name: 'Save as template' }).click();
  await dialog.getByLabel('Name of the template').fill('My words');
  await dialog.getByLabel('Name of the template').press('Enter');
  await expect(dialog.getByRole('combobox', { name: 'Template' }).getByRole('option')).toHaveText(['Start from…', 'My words', 'Replace a word']);
  await dialog.getByRole('combobox', { name: 'Template' }).selectOption('Replace a word');
  await expect(dialog.getByLabel('Description')).toHaveValue(/^My own words\.\n\n[^]*```replace docs/);

  await dialog.getByRole('button', { name: 'Manage templates' }).click();
  await dialog.getByLabel('Name of template My words').fill('Words');
  await dialog.getByRole('button', { name: 'Rename template My words' }).click();
  await expect(dialog.getByLabel('Name of template Words')).toBeVisible();
  await dialog.getByRole('button', { name: 'Delete template Replace a word' }).click();
  await dialog.getByRole('button', { name: 'Delete template Replace a word' }).click();
  await expect(dialog.getByRole('combobox', { name: 'Template' }).getByRole('option')).toHaveText(['Start from…', 'Words']);
  const [project] = (await server.api('GET', '/projects')).items;
  expect((await server.api('GET', `/projects/${project.id}/templates`)).items.map((template) => template.name)).toEqual(['Words']);
  expect(complaints).toEqual([]);
});

test('the archive is searched and cards come back from it', async ({ page, server, browser, complaints }) => {
  await openBoard(page, server);
  for (const title of ['Tidy the attic', 'Write knots, not kts']) {
    await choose(page, title, 'Archive');
    await expect(tile(page, 'Backlog', title)).toHaveCount(0);
  }
  await page.getByRole('link', { name: 'Archive' }).click();
  const list = page.getByRole('list', { name: 'Archive' });
  await expect(list.getByRole('listitem')).toHaveCount(2);
  await page.getByRole('searchbox', { name: 'Search the archive' }).fill('attic');
  await expect(list.getByRole('listitem')).toHaveCount(1);
  await expect(page).toHaveURL(/\/archive\?q=attic$/);
  await page.reload();
  await expect(list.getByRole('listitem')).toHaveCount(1);
  await list.getByRole('button', { name: 'Restore Tidy the attic' }).click();
  await expect(list.getByText('No archived card matches.')).toBeVisible();
  expect((await server.api('GET', '/cards')).items).toHaveLength(4);
  expect(complaints).toEqual([]);

  const context = await browser.newContext({ javaScriptEnabled: false });
  const plain = await context.newPage();
  await signIn(plain, server);
  await plain.goto(`${server.url}/archive`);
  await expect(plain.getByRole('link', { name: 'Write knots, not kts' })).toBeVisible();
  await context.close();
});

// Drops onto the board what a person would drag in from outside.
async function dropOnto(page, { files = [], text }) {
  const data = await page.evaluateHandle(
    ({ files, text }) => {
      const data = new DataTransfer();
      for (const { name, bytes, type } of files) data.items.add(new File([new Uint8Array(bytes)], name, { type }));
      if (text !== undefined) data.setData('text/plain', text);
      return data;
    },
    { files: files.map((file) => ({ ...file, bytes: [...Buffer.from(file.content)] })), text },
  );
  for (const event of ['dragover', 'drop']) {
    await page.locator('.board').dispatchEvent(event, { dataTransfer: data });
  }
}

test('files and text dropped onto the board become cards', async ({ page, server, complaints }) => {
  await openBoard(page, server);
  await dropOnto(page, {
    files: [{ name: 'note.md', type: 'text/markdown', content: 'intro\n\n# Oil the hinges\n\nAll *four*.\n' }],
  });
  await expect(tile(page, 'Backlog', 'Oil the hinges')).toBeVisible();
  const [card] = (await server.api('GET', '/cards?q=hinges')).items;
  expect((await server.api('GET', `/cards/${card.id}`)).body).toContain('All *four*.');
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(tile(page, 'Backlog', 'Oil the hinges')).toHaveCount(0);

  await dropOnto(page, {
    files: [
      { name: 'a.txt', type: 'text/plain', content: 'First line\nand more' },
      { name: 'b.md', type: '', content: '# Second card' },
      { name: 'c.png', type: 'image/png', content: '\u0000\u0001\u0002' },
    ],
  });
  await expect(tile(page, 'Backlog', 'First line')).toBeVisible();
  await expect(tile(page, 'Backlog', 'Second card')).toBeVisible();
  await expect(page.getByRole('alert').filter({ hasText: 'c.png is not a card' })).toContainText('It is no text');
  await dropOnto(page, { text: 'Dropped words' });
  await expect(tile(page, 'Backlog', 'Dropped words')).toBeVisible();
  expect(complaints).toEqual([]);
});
