// Projects: added with completion and a guess, switched, set up, told of conflicts, removed.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { column, expect, openBoard, signIn, test } from '../server.mjs';

// A repository in the home of whoever runs the server.
function repository(server, path, files) {
  const at = join(server.home, path);
  mkdirSync(at, { recursive: true });
  const git = (...args) => execFileSync('git', ['-C', at, ...args], { env: { PATH: process.env.PATH, HOME: server.home } });
  git('init', '--quiet', '--initial-branch=main');
  for (const [name, text] of Object.entries(files)) writeFileSync(join(at, name), text);
  git('add', '--all');
  git('commit', '--quiet', '--message=Start');
  return at;
}

const NODE = { 'package.json': '{"scripts":{"test":"node --test"}}', 'package-lock.json': '{}' };

test('added by completing its path, with guessed commands and a verdict', async ({ page, server, complaints }) => {
  const at = repository(server, 'code/harbour', NODE);
  mkdirSync(join(server.home, 'code/empty'));
  await openBoard(page, server);
  await page.getByText('lighthouse').first().click();
  await page.getByRole('link', { name: 'Add project…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add project' });
  const path = dialog.getByRole('combobox', { name: 'Path' });
  await path.fill('~/co');
  await expect(dialog.getByRole('option', { name: '~/code' })).toBeVisible();
  await path.press('ArrowDown');
  await path.press('Enter');
  await expect(path).toHaveValue('~/code/');
  await expect(dialog.getByRole('option')).toHaveCount(2);
  await path.press('ArrowUp');
  await expect(dialog.getByRole('option', { name: '~/code/harbour git repository' })).toHaveAttribute('aria-selected', 'true');
  await path.press('Enter');
  await expect(dialog.getByRole('status', { name: 'Repository' })).toContainText('A git repository on branch main');
  await expect(dialog.getByLabel('Name')).toHaveValue('harbour');
  await expect(dialog.getByLabel('Base branch')).toHaveValue('main');
  await expect(dialog.getByLabel('Check command')).toHaveValue('npm test');
  await expect(dialog.getByLabel('Set-up command')).toHaveValue('npm ci');
  await expect(dialog.getByText('Guessed from package-lock.json')).toBeVisible();

  // Without trust nothing is added, and nothing typed is lost, not even by a reload.
  await dialog.getByLabel('Check command').fill('npm run check');
  await dialog.getByRole('button', { name: 'Add project' }).click();
  await expect(dialog.getByRole('alert')).toContainText('trust');
  await page.reload();
  await page.goto(`${server.url}/projects?add=`);
  await expect(path).toHaveValue('~/code/harbour');
  await expect(dialog.getByLabel('Check command')).toHaveValue('npm run check');
  await dialog.getByLabel('I trust this repository').check();
  await dialog.getByRole('button', { name: 'Add project' }).click();
  await expect(dialog).toBeHidden();
  const added = (await server.api('GET', '/projects')).items.find((project) => project.name === 'harbour');
  expect(added).toMatchObject({ path: at, trusted: true, check_command: 'npm run check', setup_command: 'npm ci' });
  await expect(page).toHaveURL(`${server.url}/?project=${added.id}`);
  await expect(column(page, 'Backlog').getByRole('article')).toHaveCount(0);
  expect(complaints).toEqual([]);
});

test('refused in place: no repository, no commit, known already', async ({ page, server, complaints }) => {
  mkdirSync(join(server.home, 'plain'));
  execFileSync('git', ['init', '--quiet', join(server.home, 'unborn')]);
  await openBoard(page, server);
  await page.goto(`${server.url}/projects`);
  await page.getByRole('button', { name: 'Add project' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add project' });
  const verdict = dialog.getByRole('status', { name: 'Repository' });
  const lighthouse = (await server.api('GET', '/projects')).items[0];
  for (const [path, said] of [
    ['~/plain', 'not inside a git repository'],
    ['~/unborn', 'no commit yet'],
    ['~/nowhere', 'does not exist'],
    [lighthouse.path, 'a project already'],
  ]) {
    await dialog.getByLabel('Path').fill(path);
    await dialog.getByLabel('Name').focus();
    await expect(verdict).toContainText(said);
  }
  await expect(verdict.getByRole('link', { name: 'Open its board' })).toHaveAttribute('href', `/?project=${lighthouse.id}`);
  await dialog.getByLabel('I trust this repository').check();
  await dialog.getByRole('button', { name: 'Add project' }).click();
  await expect(dialog.getByRole('alert')).toContainText('registered already');
  await expect(dialog.getByLabel('Path')).toHaveValue(lighthouse.path);
  // What the browser itself says about the refused requests is no complaint of ours.
  expect(complaints.filter((text) => !/the server responded with a status of 4\d\d/.test(text))).toEqual([]);
});

test('switched in the header; the address says which, and other pages lead back to it', async ({ page, server, complaints }) => {
  const { id } = await server.api('POST', '/projects', { path: repository(server, 'harbour', NODE) });
  await server.api('POST', '/cards', { project_id: id, title: 'Dredge the basin', body: '' });
  await openBoard(page, server);
  const switcher = page.getByRole('banner').getByRole('group');
  await expect(column(page, 'Backlog').getByRole('article')).toHaveCount(6);
  await page.getByLabel('Project: All projects').click();
  await page.getByRole('link', { name: 'harbour', exact: true }).click();
  await expect(page).toHaveURL(`${server.url}/?project=${id}`);
  await expect(column(page, 'Backlog').getByRole('article')).toHaveCount(1);
  await page.getByRole('link', { name: 'Dredge the basin' }).click();
  await expect(page.getByLabel('Project: harbour')).toBeVisible();
  await page.getByRole('link', { name: 'Slipway' }).click();
  await expect(page).toHaveURL(`${server.url}/?project=${id}`);
  await page.getByLabel('Project: harbour').click();
  await page.keyboard.press('Escape');
  await expect(switcher.getByRole('link', { name: 'lighthouse' })).toBeHidden();
  await page.goto(`${server.url}/projects`);
  const tile = page.getByRole('article', { name: 'harbour' });
  await expect(tile).toContainText('Backlog1');
  await server.api('POST', '/cards', { project_id: id, title: 'Paint the crane', body: '' });
  await expect(tile).toContainText('Backlog2');
  await tile.getByRole('link', { name: 'Settings of harbour' }).click();
  await expect(page).toHaveTitle('Settings of harbour · Slipway');
  expect(complaints).toEqual([]);
});

test('settings are saved together; what is typed survives a reload', async ({ page, server, complaints }) => {
  const [{ id }] = (await server.api('GET', '/projects')).items;
  await openBoard(page, server);
  await page.goto(`${server.url}/projects/${id}`);
  const form = page.getByRole('form', { name: 'Settings' });
  const save = form.getByRole('button', { name: 'Save settings' });
  await expect(form.getByLabel('Name')).toHaveValue('lighthouse');
  await expect(save).toBeDisabled();
  await form.getByLabel('Name').fill('Lighthouse & sons');
  await form.getByLabel('Plan gate').selectOption('Goes on by itself when green');
  await form.getByLabel('Ignored paths that each worktree gets a copy of').fill('.env\n');
  await expect(form.getByText('Unsaved changes')).toBeVisible();
  await page.reload();
  await expect(form.getByText('Unsaved changes')).toBeVisible();
  await expect(form.getByLabel('Plan gate')).toHaveValue('auto_when_green');
  await form.getByLabel('Agents at once').fill('many');
  await save.click();
  await expect(form.getByRole('alert')).toContainText('whole number');
  await form.getByLabel('Agents at once').fill('2');
  await save.click();
  await expect(form.getByText('Unsaved changes')).toHaveCount(0);
  await expect(page.getByRole('heading', { name: 'Lighthouse & sons' })).toBeVisible();
  expect(await server.api('GET', `/projects/${id}`)).toMatchObject({
    name: 'Lighthouse & sons',
    wip: 2,
    gate_policy: { plan: 'auto_when_green', build: 'manual' },
    bring: [{ path: '.env', mode: 'copy' }],
    version: 2,
  });
  expect(complaints).toEqual([]);
});

test('a conflict is told, and nothing typed is lost', async ({ page, server, complaints }) => {
  const [{ id }] = (await server.api('GET', '/projects')).items;
  await openBoard(page, server);
  await page.goto(`${server.url}/projects/${id}`);
  const form = page.getByRole('form', { name: 'Settings' });
  await expect(form.getByRole('button', { name: 'Discard changes' })).toBeDisabled();
  // Nobody types: what someone else saves is shown.
  await server.api('PATCH', `/projects/${id}`, { check_command: 'make one' });
  await expect(form.getByLabel('Check command')).toHaveValue('make one');
  await form.getByLabel('Set-up command').fill('make setup');
  await server.api('PATCH', `/projects/${id}`, { check_command: 'make two' });
  await expect(form.getByRole('alert')).toContainText('Someone else has saved');
  await expect(form.getByLabel('Set-up command')).toHaveValue('make setup');
  await form.getByRole('button', { name: 'Save settings' }).click();
  await expect(form.getByRole('alert')).toContainText('Someone else has saved');
  expect((await server.api('GET', `/projects/${id}`)).check_command).toBe('make two');
  await form.getByRole('button', { name: 'Keep mine' }).click();
  await form.getByRole('button', { name: 'Save settings' }).click();
  await expect(form.getByText('Unsaved changes')).toHaveCount(0);
  expect(await server.api('GET', `/projects/${id}`)).toMatchObject({ check_command: 'make one', setup_command: 'make setup' });
  await form.getByLabel('Set-up command').fill('other');
  await server.api('PATCH', `/projects/${id}`, { setup_command: 'theirs' });
  await form.getByRole('button', { name: 'Take theirs' }).click();
  await expect(form.getByLabel('Set-up command')).toHaveValue('theirs');
  expect(complaints.filter((text) => !text.includes('status of 409'))).toEqual([]);
});

test('removed once its name is typed; the repository is as it was', async ({ page, server, complaints }) => {
  const [{ id }] = (await server.api('GET', '/projects')).items;
  const before = [server.git('for-each-ref'), server.git('status', '--porcelain'), server.git('worktree', 'list')];
  const index = readFileSync(join(server.data, 'sample/lighthouse/.git/index'));
  const card = (await server.api('GET', '/cards')).items.find(({ title }) => title === 'Say good night after ten');
  await server.api('POST', `/cards/${card.id}/moves`, { to: 'plan' });
  await openBoard(page, server);
  await page.goto(`${server.url}/projects/${id}`);
  await page.getByRole('button', { name: 'Remove project…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Remove lighthouse' });
  await dialog.getByRole('button', { name: 'Remove project' }).click();
  await expect(dialog.getByRole('alert')).toContainText('Type the project');
  await dialog.getByLabel('Delete the work that has not landed').check();
  await dialog.getByLabel('Type lighthouse to confirm').fill('lighthouse');
  await dialog.getByRole('button', { name: 'Remove project' }).click();
  await expect(page).toHaveURL(`${server.url}/projects`);
  await expect(page.getByRole('heading', { name: 'No project yet' })).toBeVisible();
  expect([server.git('for-each-ref'), server.git('status', '--porcelain'), server.git('worktree', 'list')]).toEqual(before);
  expect(readFileSync(join(server.data, 'sample/lighthouse/.git/index')).equals(index)).toBe(true);
  expect(await server.api('GET', '/cards?archived=true')).toMatchObject({ items: { length: 5 } });
  await page.goto(`${server.url}/projects/${id}`);
  await expect(page.getByRole('heading', { name: 'There is no such project' })).toBeVisible();
  expect(complaints.filter((text) => !text.includes('status of 404'))).toEqual([]);
});

test('projects and settings can be read without JavaScript', async ({ browser, server }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await signIn(page, server);
  await page.goto(`${server.url}/projects`);
  await expect(page.getByRole('article', { name: 'lighthouse' })).toContainText('Backlog5');
  await page.getByRole('link', { name: 'Settings of lighthouse' }).click();
  await expect(page.getByLabel('Check command')).toHaveValue('sh tests/run.sh');
  await context.close();
});
