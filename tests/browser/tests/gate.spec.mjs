// The gate: why it holds, what passes it all the same, and that nothing typed is lost on the way.
import { advance, alive, atGate, createCard, gate, LENS, openCard } from '../card.mjs';
import { expect, test } from '../server.mjs';

const FAR = 'Make the lamp shine farther';

async function farLamp(server) {
  const cards = (await server.api('GET', '/cards?stage=backlog')).items;
  return advance(server, cards.find((card) => card.title === FAR), 'plan');
}

test('a red check says what would turn it green, and passes with a reason on record', async ({ page, server, complaints }) => {
  const card = await farLamp(server);
  await openCard(page, server, card);
  const red = gate(page).getByRole('listitem').filter({ hasText: 'Red' });
  await expect(red).toHaveCount(1);
  await expect(red.locator('code').first()).toContainText('lib/lamp.sh');
  await expect(red).not.toContainText('`');
  await expect(gate(page)).toContainText('With a red check it asks for a reason.');
  await gate(page).getByRole('button', { name: 'Approve' }).click();
  const reason = gate(page).getByLabel('Override reason');
  await expect(reason).toBeFocused();
  await gate(page).getByRole('button', { name: 'Approve' }).click();
  await expect(gate(page).getByRole('alert')).toContainText('Say why');
  await reason.fill('I saw to it by hand.');
  await page.reload();
  await alive(page);
  await expect(reason).toHaveValue('I saw to it by hand.');
  await gate(page).getByRole('button', { name: 'Approve' }).click();
  await expect(gate(page)).toHaveCount(0);
  await expect.poll(async () => (await server.api('GET', `/cards/${card.id}/gates`)).items[0].state).toBe('overridden');
  await expect(page.getByRole('list', { name: 'Stages' })).toContainText('I saw to it by hand.');
  expect(complaints).toEqual([]);
});

test('a gate that somebody else has decided is told, and the comment stays', async ({ page, server }) => {
  const card = await advance(server, await createCard(server, LENS), 'plan');
  // This window hears of nothing: its stream is never opened.
  await page.routeWebSocket(/events\/socket/, () => {});
  await openCard(page, server, card);
  await gate(page).getByLabel('Comment').fill('Mind the fog.');
  await server.api('POST', `/cards/${card.id}/gate`, { decision: 'approve' });
  await atGate(server, card, 'build');
  await gate(page).getByRole('button', { name: 'Send back' }).click();
  await expect(gate(page).getByRole('alert')).toContainText('That gate is no longer the open one');
  await expect(gate(page)).toContainText('Build · opened');
  await expect(gate(page).getByLabel('Comment')).toHaveValue('Mind the fog.');
  await gate(page).getByRole('button', { name: 'Send back' }).click();
  await expect
    .poll(async () => (await server.api('GET', `/cards/${card.id}/agents`)).items.map((agent) => agent.comment))
    .toContain('Mind the fog.');
});

test('a comment is kept across reloads and through other gates, and goes where one chooses', async ({ page, server, complaints }) => {
  const card = await advance(server, await createCard(server, LENS), 'review');
  await openCard(page, server, card);
  await gate(page).getByLabel('Comment').fill('Start over.');
  await page.reload();
  await alive(page);
  await expect(gate(page).getByLabel('Comment')).toHaveValue('Start over.');
  await gate(page).getByRole('combobox', { name: 'Send back to' }).selectOption('plan');
  await gate(page).getByRole('button', { name: 'Send back' }).click();
  await atGate(server, card, 'plan');
  await expect(gate(page).getByLabel('Comment')).toHaveValue('');
  await expect(page.getByRole('heading', { name: LENS.title })).toBeFocused();
  const planner = (await server.api('GET', `/cards/${card.id}/agents`)).items.filter((agent) => agent.role === 'planner');
  expect(planner.map((agent) => agent.comment)).toEqual([null, 'Start over.']);
  expect(complaints).toEqual([]);
});

test('a stopped stage says why once', async ({ page, server }) => {
  const body = '```sh\nsleep 60\n```\n';
  const card = await advance(server, await createCard(server, { title: 'Wait for the tide', body }), 'plan');
  await server.api('POST', `/cards/${card.id}/moves`, { to: 'build' });
  await openCard(page, server, card);
  await page.getByRole('button', { name: 'Stop agent' }).click();
  const stopped = page.getByRole('region', { name: 'Stopped' });
  await expect(stopped).toBeVisible();
  expect((await stopped.innerText()).match(/Retry/g)).toHaveLength(1);
});
