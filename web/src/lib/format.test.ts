import { describe, expect, it } from 'vitest';

import {
  formatAgo,
  formatBytes,
  formatDuration,
  ipOrder,
  networkOf,
  revealInvisible,
} from './format';

describe('sizes and times', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KiB'],
    [4_500_000_000, '4.2 GiB'],
    [undefined, '–'],
  ])('%s bytes are %s', (bytes, words) => expect(formatBytes(bytes)).toBe(words));

  it.each([
    [-5, '0 ms'],
    [48.4, '48 ms'],
    [400, '0.4 s'],
    [35_500, '36 s'],
    [200_000, '3 min 20 s'],
    [7_500_000, '2 h 5 min'],
    [356_400_000, '4 d 3 h'],
  ])('%s ms are %s', (ms, words) => expect(formatDuration(ms)).toBe(words));

  it('a time ahead of this clock is now', () => {
    expect(formatAgo('2026-02-20T12:00:30Z', Date.parse('2026-02-20T12:00:00Z'))).toBe('just now');
  });
});

describe('revealInvisible', () => {
  it('shows what reverses, hides or controls', () => {
    expect(revealInvisible('srv\u202Etxt.exe')).toBe('srv⟨U+202E⟩txt.exe');
    expect(revealInvisible('a\u200Bb\u0007')).toBe('a⟨U+200B⟩b⟨U+0007⟩');
  });

  it('leaves other scripts, tabs and line ends alone', () => {
    expect(revealInvisible('Büro\tשלום\n東京')).toBe('Büro\tשלום\n東京');
  });
});

describe('networkOf', () => {
  it.each([
    ['192.168.20.5/24', '192.168.20.0/24'],
    ['10.10.200.5/16', '10.10.0.0/16'],
    ['203.0.113.77/32', '203.0.113.77/32'],
    ['1.2.3.4/0', '0.0.0.0/0'],
    ['192.168.20.5', null],
    ['192.168.20.256/24', null],
    ['fe80::1/64', null],
    [undefined, null],
  ])('%s is in %s', (address, network) => expect(networkOf(address)).toBe(network));
});

it('addresses are ordered as numbers, and none comes last', () => {
  const sorted = ['10.0.0.10', undefined, '10.0.0.9', '9.255.0.1'].sort(
    (a, b) => ipOrder(a) - ipOrder(b),
  );
  expect(sorted.filter(Boolean)).toEqual(['9.255.0.1', '10.0.0.9', '10.0.0.10']);
  expect(ipOrder(undefined)).toBeGreaterThan(ipOrder('255.255.255.255'));
});
