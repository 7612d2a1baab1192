import { describe, expect, it } from 'vitest';

import { NO_FILTER, priorityWords, queryOf, unitName, writerOf } from './journal-view';

describe('a search in the journal', () => {
  it.each([
    ['nginx', 'nginx.service'],
    [' ssh.socket ', 'ssh.socket'],
    ['dbus-org.freedesktop.login1', 'dbus-org.freedesktop.login1.service'],
    ['', ''],
  ])('the unit "%s" is %s', (typed, name) => expect(unitName(typed)).toBe(name));

  it('is asked for with everything that was chosen', () => {
    expect(queryOf({ ...NO_FILTER, text: 'disk & fire', unit: 'smartd', priority: 3 }, 400)).toBe(
      'q=disk+%26+fire&unit=smartd.service&priority=3&minutes=60&limit=400',
    );
  });
});

it('says how urgent a line is and who wrote it', () => {
  expect([0, 4, 7, 12].map(priorityWords)).toEqual([
    'Emergency',
    'Warning',
    'Debug',
    'Priority 12',
  ]);
  const entry = { time: '', priority: 4, unit: '', identifier: 'nginx', pid: 12, message: '' };
  expect(writerOf(entry)).toBe('nginx[12]');
  expect(writerOf({ ...entry, pid: 0 })).toBe('nginx');
  expect(writerOf({ ...entry, identifier: '' })).toBe('process 12');
  expect(writerOf({ ...entry, identifier: '', pid: 0 })).toBe('');
});
