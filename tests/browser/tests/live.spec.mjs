// Every window shows what happens anywhere, and none of them loses what a person is at.
import { column, expect, openBoard, test, tile } from '../server.mjs';

// What a change in another window may take to show.
const SOON = { timeout: 1_000 };
const TITLE = 'Tidy the attic';

const cardCalled = async (server, title) => (await server.api('GET', '/cards')).items.find((card) => card.title === title);

test('ten windows show a change within a second', async ({ browser, server }) => {
  const context = await browser.newContext();
  const pages = [];
  for (let window = 0; window < 10; window++) {
    const page = await context.newPage();
    await openBoard(page, server);
    pages.push(page);
  }
  const card = await cardCalled(server, TITLE);
  // Shown once all windows have said that they listen: each of them follows one change first.
  await server.api('PATCH', `/cards/${card.id}`, { title: 'Tidy the cellar' });
  await Promise.all(pages.map((page) => expect(tile(page, 'Backlog', 'Tidy the cellar')).toBeAttached()));
  await server.api('PATCH', `/cards/${card.id}`, { title: 'Tidy the tower' });
  await Promise.all(pages.map((page) => expect(tile(page, 'Backlog', 'Tidy the tower')).toBeAttached(SOON)));
  await context.close();
});

test('a change elsewhere keeps focus, scroll and what is being typed', async ({ page, server, complaints }) => {
  await page.setViewportSize({ width: 1200, height: 480 });
  await openBoard(page, server);
  const list = column(page, 'Backlog').getByRole('list');
  await tile(page, 'Backlog', TITLE).focus();
  await list.evaluate((element) => (element.scrollTop = 90));
  const card = await cardCalled(server, TITLE);
  const [other] = (await server.api('GET', '/cards')).items;
  await tile(page, 'Backlog', TITLE).evaluate((element) => (element.same = true));
  await server.api('PATCH', `/cards/${card.id}`, { title: 'Tidy the tower' });
  await expect(tile(page, 'Backlog', 'Tidy the tower')).toBeFocused(SOON);
  expect(await tile(page, 'Backlog', 'Tidy the tower').evaluate((element) => element.same)).toBe(true);
  expect(await list.evaluate((element) => element.scrollTop)).toBe(90);
  await server.api('POST', `/cards/${card.id}/moves`, { to: 'plan' });
  await expect(tile(page, 'Plan', 'Tidy the tower')).toBeFocused(SOON);
  await page.keyboard.press('c');
  const title = page.getByRole('dialog', { name: 'New card' }).getByLabel('Title');
  await title.fill('Half a sen');
  await server.api('PATCH', `/cards/${other.id}`, { title: 'Changed meanwhile' });
  await expect(page.getByText('Changed meanwhile')).toBeAttached(SOON);
  await expect(title).toBeFocused();
  await page.keyboard.type('tence');
  await expect(title).toHaveValue('Half a sentence');
  expect(complaints).toEqual([]);
});

test('counts and figures are live', async ({ page, server }) => {
  await openBoard(page, server);
  await expect(column(page, 'Backlog').getByLabel('5 cards')).toBeVisible();
  await expect(page.getByText('Needs you (0)')).toBeVisible();
  const card = await cardCalled(server, TITLE);
  await server.api('POST', `/cards/${card.id}/moves`, { to: 'plan' });
  await expect(column(page, 'Backlog').getByLabel('4 cards')).toBeVisible(SOON);
  await expect(column(page, 'Plan').getByLabel('1 card')).toBeVisible(SOON);
  await expect(tile(page, 'Plan', TITLE)).toContainText('Needs approval');
  await expect(page.getByText('Needs you (1)')).toBeVisible();
});

test('a lost stream says so and catches up', async ({ page, server }) => {
  let cut = () => {};
  let lost = false;
  await page.routeWebSocket(/events\/socket/, (socket) => {
    if (lost) return void socket.close();
    const behind = socket.connectToServer();
    cut = () => {
      behind.close();
      return socket.close();
    };
  });
  await openBoard(page, server);
  const card = await cardCalled(server, TITLE);
  await server.api('PATCH', `/cards/${card.id}`, { title: 'Tidy the cellar' });
  await expect(tile(page, 'Backlog', 'Tidy the cellar')).toBeAttached();
  lost = true;
  await cut();
  const banner = page.getByText('Connection lost. What you see may be old');
  await expect(banner).toBeVisible();
  await server.api('PATCH', `/cards/${card.id}`, { title: 'Tidy the tower' });
  lost = false;
  await expect(tile(page, 'Backlog', 'Tidy the tower')).toBeAttached();
  await expect(banner).toHaveCount(0);
});

test('a restart under an open page is survived, and what is being typed with it', async ({ page, server }) => {
  await openBoard(page, server);
  await page.keyboard.press('c');
  const dialog = page.getByRole('dialog', { name: 'New card' });
  await dialog.getByLabel('Title').fill('Written through the storm');
  await server.stop('SIGKILL');
  await expect(page.getByText('Connection lost. What you see may be old')).toBeAttached();
  await server.start();
  await expect(page.getByText('Connection lost. What you see may be old')).toHaveCount(0);
  await expect(dialog.getByLabel('Title')).toHaveValue('Written through the storm');
  await dialog.getByRole('button', { name: 'Create card' }).click();
  await expect(tile(page, 'Backlog', 'Written through the storm')).toBeVisible();
});
