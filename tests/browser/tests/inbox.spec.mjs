// What needs a person, and deciding it in place.
import { expect, openBoard, signIn, test } from '../server.mjs';

const GREEN = 'Say good night after ten';
const RED = 'Make the lamp shine farther';

async function start(server, title) {
  const card = (await server.api('GET', '/cards')).items.find((card) => card.title === title);
  await server.api('POST', `/cards/${card.id}/moves`, { to: 'plan' });
  await expect
    .poll(async () => (await server.api('GET', `/cards/${card.id}`)).status)
    .toBe('needs_approval');
  return card;
}

test('a green gate is approved in place and a red one on its card', async ({ page, server, complaints }) => {
  await openBoard(page, server);
  await page.getByRole('link', { name: 'Needs you (0)' }).click();
  await expect(page).toHaveURL(`${server.url}/inbox`);
  await expect(page.getByText('Nothing needs you.')).toBeVisible();

  // Both arrive without a reload, oldest first.
  const red = await start(server, RED);
  const matter = (title) => page.getByRole('article', { name: title });
  await expect(matter(RED)).toContainText('Gate is red');
  const green = await start(server, GREEN);
  await expect(page.getByRole('article')).toHaveCount(2);
  await expect(page.getByRole('article').first()).toContainText(RED);
  await expect(matter(RED).getByRole('button', { name: 'Approve' })).toHaveCount(0);
  await expect(matter(RED).getByRole('link', { name: 'Open the card' })).toHaveAttribute('href', `/cards/${red.id}#gate`);
  await expect(matter(RED)).toContainText('1 more card waits behind it');
  await expect(page).toHaveTitle(/^\(2\) Inbox/);

  // What is typed stays while others come and go.
  await matter(RED).getByText('Send back…').click();
  await matter(RED).getByLabel('Comment').fill('Write 18.');
  await expect(matter(GREEN)).toContainText('Approving moves it to Build and starts its builder.');
  await matter(GREEN).getByRole('button', { name: 'Approve' }).click();
  await expect.poll(async () => (await server.api('GET', `/cards/${green.id}`)).stage).toBe('build');
  await expect(matter(GREEN)).toContainText('in Build of');
  await expect(matter(RED).getByLabel('Comment')).toHaveValue('Write 18.');
  await page.reload();
  await matter(RED).getByText('Send back…').click();
  await expect(matter(RED).getByLabel('Comment')).toHaveValue('Write 18.');
  await matter(RED).getByRole('button', { name: 'Send back to Plan' }).click();
  await expect
    .poll(async () => (await server.api('GET', `/cards/${red.id}/agents`)).items.map((agent) => agent.comment))
    .toEqual([null, 'Write 18.']);
  expect(complaints).toEqual([]);
});

test('a decision that came too late is told in its place', async ({ page, server, complaints }) => {
  const card = await start(server, GREEN);
  await openBoard(page, server);
  await page.goto(`${server.url}/inbox`);
  const matter = page.getByRole('article', { name: GREEN });
  await expect(matter).toBeVisible();
  await matter.getByText('Send back…').click();
  await matter.getByRole('button', { name: 'Send back to Plan' }).click();
  await expect(matter.getByRole('alert')).toContainText('Say what should be different');
  await server.api('DELETE', `/cards/${card.id}`);
  await expect(matter).toHaveCount(0);
  await expect(page.getByText('Nothing needs you.')).toBeVisible();
  expect(complaints).toEqual([]);
});

test('the inbox can be read without JavaScript', async ({ browser, server }) => {
  await start(server, RED);
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await signIn(page, server);
  await page.goto(`${server.url}/inbox`);
  await expect(page.getByRole('article', { name: RED })).toContainText('Blocks apply');
  await context.close();
});
