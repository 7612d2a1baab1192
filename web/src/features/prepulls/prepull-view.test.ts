import { expect, it } from 'vitest';

import { aPrepull, aPrepullTarget } from '@/testing/builders';

import {
  chanceOf,
  filterPrepulls,
  placesOf,
  stateOf,
  windowsOf,
  wordOf,
  worstChance,
} from './prepull-view';

const done = aPrepullTarget({ tentacleId: '2', tentacleName: 'Munich', state: 'done' });
const late = aPrepullTarget({
  tentacleId: '3',
  tentacleName: 'Hamburg',
  state: 'waiting',
  feasible: false,
  forecast: '40 GB at 8 Mbit/s: not feasible by Tue 07:00',
});
const failed = aPrepullTarget({ tentacleId: '4', state: 'failed', reason: 'its disk is full' });

it('is open for as long as one tentacle has to do something for it', () => {
  const one = aPrepull({ id: '1', targets: [done, late] });
  const other = aPrepull({ id: '2', targets: [done, failed] });
  expect(filterPrepulls([one, other], 'open').map((each) => each.id)).toEqual(['1']);
  expect(filterPrepulls([one, other], 'done').map((each) => each.id)).toEqual(['2']);
  expect(filterPrepulls([one, other], 'all')).toHaveLength(2);
});

it('says of several tentacles what goes on, then what went wrong', () => {
  expect(stateOf(aPrepull({ targets: [done, late] }))).toBe('waiting');
  expect(stateOf(aPrepull({ targets: [done, failed] }))).toBe('failed');
  expect(stateOf(aPrepull({ targets: [done] }))).toBe('done');
  expect(stateOf(aPrepull({ targets: [] }))).toBe('cancelled');
});

it('says the worst of the chances that are still open', () => {
  const unmeasured = aPrepullTarget({ feasible: undefined });
  expect([aPrepullTarget(), late, unmeasured].map(chanceOf)).toEqual([
    'in-time',
    'late',
    'unknown',
  ]);
  expect(worstChance(aPrepull({ targets: [unmeasured, late, done] }))).toBe('late');
  expect(worstChance(aPrepull({ targets: [aPrepullTarget(), unmeasured] }))).toBe('unknown');
  expect(worstChance(aPrepull({ targets: [done, { ...late, state: 'cancelled' }] }))).toBeNull();
});

it('names one place, counts several, and says what is to be known first', () => {
  expect(placesOf(aPrepull())).toBe('Berlin Office');
  expect(placesOf(aPrepull({ targets: [done, late, failed] }))).toBe(
    '3 tentacles, 1 done, 1 failed',
  );
  expect(wordOf(aPrepull())).toContain('there by');
  expect(wordOf(aPrepull({ targets: [done, late] }))).toContain('not feasible');
  expect(wordOf(aPrepull({ targets: [late, failed] }))).toBe('its disk is full');
  expect(wordOf(aPrepull({ targets: [done, aPrepullTarget()] }))).toBe('');
});

it('says when it may be pulled', () => {
  expect(windowsOf({ windows: [], timeZone: 'UTC' })).toBe('at any time');
  expect(windowsOf({ windows: ['daily 22:00-06:00'], timeZone: 'Europe/Berlin' })).toBe(
    'daily 22:00-06:00 (Europe/Berlin)',
  );
});
