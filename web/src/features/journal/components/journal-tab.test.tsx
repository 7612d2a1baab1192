import { screen, waitFor, within } from '@testing-library/react';
import { beforeEach, expect, it } from 'vitest';

import { aJournalEntry, aTentacle } from '@/testing/builders';
import { FakeBackend } from '@/testing/fake-backend';
import { openPage } from '@/testing/open-page';

const HOSTILE = '<img src=x onerror="alert(1)">';

let backend: FakeBackend;

beforeEach(() => {
  backend = new FakeBackend().install();
  backend.nodes = [aTentacle()];
});

const asked = () =>
  backend.asked
    .filter((one) => one.path === '/api/v1/nodes/1/journal')
    .map((one) => new URLSearchParams(one.query));

const lines = async () =>
  within(await screen.findByRole('list', { name: 'Journal lines' })).getAllByRole('listitem');

it('shows of each line when, how urgent, who and what, hostile text as text', async () => {
  backend.journal = [
    aJournalEntry({ message: `${HOSTILE} srv\u202Etxt.exe` }),
    aJournalEntry({ priority: 2, unit: '', identifier: 'kernel', pid: 0, message: 'oops' }),
    // The same words at the same time are two lines all the same.
    aJournalEntry({ message: 'twice' }),
    aJournalEntry({ message: 'twice' }),
  ];
  await openPage('/nodes/1/journal');
  const [first, second, ...others] = await lines();
  expect(first?.textContent).toContain(`${HOSTILE} srv⟨U+202E⟩txt.exe`);
  expect(first?.textContent).toContain('nginx.servicenginx[812]');
  expect(second?.textContent).toContain('Critical');
  expect(second?.textContent).toContain('kernel');
  expect(others).toHaveLength(2);
  expect(document.querySelector('img')).toBeNull();
  await screen.findByText('4 found');
});

it('asks for what was chosen, and keeps it in the address', async () => {
  backend.journal = [aJournalEntry()];
  const user = await openPage('/nodes/1/journal?priority=99&minutes=1440');
  await lines();
  expect(asked()[0]?.toString()).toBe('q=&unit=&priority=7&minutes=1440&limit=200');
  await user.type(screen.getByLabelText('Search messages'), 'timed out');
  await user.selectOptions(screen.getByLabelText('Priority'), 'Error and above');
  await user.click(screen.getByRole('button', { name: 'Only lines of nginx.service' }));
  await waitFor(() =>
    expect(asked().at(-1)?.toString()).toBe(
      'q=timed+out&unit=nginx.service&priority=3&minutes=1440&limit=200',
    ),
  );
  expect(window.location.search).toBe('?q=timed+out&unit=nginx.service&priority=3&minutes=1440');
  expect(screen.getByLabelText<HTMLInputElement>('Unit').value).toBe('nginx.service');
});

it('shows more on request, and says where it ends', async () => {
  const many = (number: number) =>
    Array.from({ length: number }, (_, n) => aJournalEntry({ unit: '', pid: n + 1 }));
  backend.journal = many(200);
  const user = await openPage('/nodes/1/journal');
  await screen.findByText('the newest 200');
  for (const limit of [400, 600, 800, 1000]) {
    backend.journal = many(limit);
    await user.click(await screen.findByText('Show more'));
    await screen.findByText(`the newest ${limit}`);
    expect(asked().at(-1)?.get('limit')).toBe(String(limit));
  }
  await screen.findByText(/These are 1000 lines/);
  expect(screen.queryByText('Show more')).toBeNull();
});

it('says that nothing was found, and leads back to everything', async () => {
  const user = await openPage('/nodes/1/journal?q=nothing&minutes=360');
  await screen.findByText('No line matches');
  await user.click(screen.getByRole('button', { name: 'Show all lines of this time' }));
  await screen.findByText(/agent.journal_enabled/);
  expect(window.location.search).toBe('?minutes=360');
});

it('says what went wrong when it cannot be had', async () => {
  backend.answer('GET /api/v1/nodes/1/journal', {
    status: 503,
    body: { detail: 'the database cannot be reached' },
  });
  await openPage('/nodes/1/journal');
  await screen.findByText('the database cannot be reached');
});
