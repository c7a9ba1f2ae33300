// What else people do on the board.
import { column, expect, openBoard, signIn, test, tile } from '../server.mjs';

test('a new card by the key C appears in every window', async ({ page, server, context, complaints }) => {
  await openBoard(page, server);
  const other = await context.newPage();
  await openBoard(other, server);
  await page.keyboard.press('c');
  const dialog = page.getByRole('dialog', { name: 'New card' });
  await dialog.getByLabel('Title').fill('Polish the <b>brass</b>');
  await dialog.getByLabel('Description').fill('Every *first* Monday.');
  await dialog.getByRole('button', { name: /create|add/i }).click();
  await expect(dialog).toBeHidden();
  await expect(tile(page, 'Backlog', 'Polish the <b>brass</b>')).toBeVisible();
  await expect(tile(other, 'Backlog', 'Polish the <b>brass</b>')).toBeVisible();
  expect(complaints).toEqual([]);
});

test('the board and a card can be read without JavaScript', async ({ browser, server }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await signIn(page, server);
  await expect(column(page, 'Backlog').getByRole('article')).toHaveCount(5);
  await page.getByRole('link', { name: 'Tidy the attic' }).click();
  await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible();
  await context.close();
});

test('a page without the token is refused, and so is a page of another origin', async ({ page, server }) => {
  const response = await page.goto(`${server.url}/`);
  expect(response.status()).toBe(401);
  const foreign = await fetch(`${server.url}/api/v1/agents`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${server.token}`, origin: 'http://evil.example' },
  });
  expect(foreign.status).toBe(403);
});

test('an open page survives a restart of the server', async ({ page, server }) => {
  await openBoard(page, server);
  await server.stop('SIGKILL');
  await server.start();
  await server.api('POST', '/cards', {
    project_id: (await server.api('GET', '/projects')).items[0].id,
    title: 'After the storm',
    body: '',
  });
  await expect(tile(page, 'Backlog', 'After the storm')).toBeVisible({ timeout: 30_000 });
});
