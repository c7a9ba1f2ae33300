// A card goes from the backlog to a commit, in a real browser, on the sample project.
import { column, drag, expect, openBoard, test, tile } from '../server.mjs';

const TITLE = 'Say good night after ten';

test('dragged with the mouse, to a commit that git log shows', async ({ page, server, complaints }) => {
  await openBoard(page, server);
  let from = 'Backlog';
  for (const to of ['Plan', 'Build', 'Review', 'Ship']) {
    await drag(page, TITLE, from, to);
    await expect(tile(page, to, TITLE)).toContainText('Needs approval');
    from = to;
  }
  await tile(page, 'Ship', TITLE).getByRole('button', { name: `Actions for ${TITLE}` }).click();
  await page.getByRole('menuitem', { name: 'Approve' }).click();
  await expect(tile(page, 'Ship', TITLE)).toContainText('Shipped');
  expect(server.git('log', '--format=%s', '-1').trim()).toBe(TITLE);
  expect(server.git('log', '-1')).toContain('Slipway-Card: ');
  expect(server.git('status', '--porcelain')).toBe('');
  expect(complaints).toEqual([]);
});

test('moved by the menu and approved on its page', async ({ page, server, complaints }) => {
  await openBoard(page, server);
  let from = 'Backlog';
  for (const to of ['Plan', 'Build', 'Review', 'Ship']) {
    await tile(page, from, TITLE).getByRole('button', { name: `Actions for ${TITLE}` }).click();
    await page.getByRole('menuitem', { name: `Move to ${to}` }).click();
    await expect(tile(page, to, TITLE)).toContainText('Needs approval');
    from = to;
  }
  await tile(page, 'Ship', TITLE).getByRole('link', { name: TITLE }).click();
  await expect(page).toHaveURL(/\/cards\//);
  for (const name of ['Overview', 'Artifacts', 'Activity']) {
    await expect(page.getByRole('heading', { name, exact: true })).toBeVisible();
  }
  const gate = page.getByRole('region', { name: 'Gate' });
  await expect(gate.getByRole('listitem').first()).toBeVisible();
  await gate.getByRole('button', { name: 'Approve' }).click();
  await expect(gate).toHaveCount(0);
  await expect.poll(() => server.git('log', '--format=%s', '-1').trim()).toBe(TITLE);
  expect(complaints).toEqual([]);
});

test('sent back with a comment that the next agent gets', async ({ page, server }) => {
  await openBoard(page, server);
  await drag(page, TITLE, 'Backlog', 'Plan');
  await expect(tile(page, 'Plan', TITLE)).toContainText('Needs approval');
  const [card] = (await server.api('GET', '/cards?stage=plan')).items;
  await page.goto(`${server.url}/cards/${card.id}`);
  const gate = page.getByRole('region', { name: 'Gate' });
  await gate.getByLabel('Comment').fill('Mind the fog as well.');
  await gate.getByRole('button', { name: 'Send back' }).click();
  await expect
    .poll(async () => (await server.api('GET', `/cards/${card.id}/agents`)).items.map((agent) => agent.comment))
    .toEqual([null, 'Mind the fog as well.']);
});

test('a gate that holds says why, and a refused drop puts the card back', async ({ page, server }) => {
  const title = 'Make the lamp shine farther';
  await openBoard(page, server);
  await drag(page, title, 'Backlog', 'Review');
  await expect(tile(page, 'Backlog', title)).toBeVisible();
  await drag(page, title, 'Backlog', 'Plan');
  await expect(tile(page, 'Plan', title)).toContainText('Needs approval');
  const [card] = (await server.api('GET', '/cards?stage=plan')).items;
  expect(card.gate.checks.filter((check) => !check.passed).map((check) => check.name)).toContain('blocks_apply');
  await drag(page, title, 'Plan', 'Build');
  await expect(page.getByRole('dialog')).toBeVisible();
  await expect(column(page, 'Build').getByRole('article')).toHaveCount(0);
});
