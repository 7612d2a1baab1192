import { describe, expect, it } from 'vitest';

import { aTentacle } from '@/testing/builders';

import { backlogOf, configurationOf, lineOf } from './node-view';

describe('what is said of a line', () => {
  it('says as much as was measured', () => {
    expect(lineOf(aTentacle({ link: {} }))).toBe('not measured yet');
    expect(lineOf(aTentacle({ link: { latencyMs: 18.42 } }))).toBe('18.4 ms');
    expect(
      lineOf(
        aTentacle({
          link: { latencyMs: 18.42, jitterMs: 2.1, lossPercent: 3.2, throughputMbit: 94.4 },
        }),
      ),
    ).toBe('18.4 ms ± 2.1, 3 % lost, 94 Mbit/s');
  });

  it('says what became of the configuration, of this one only', () => {
    expect(configurationOf(aTentacle({ configRevision: 0 }))).toBe('defaults');
    const configResult = { revision: 4, status: 'reverted' };
    expect(configurationOf(aTentacle({ configRevision: 4, configResult }))).toBe(
      'revision 4, reverted',
    );
    expect(configurationOf(aTentacle({ configRevision: 5, configResult }))).toBe('revision 5');
  });

  it('counts what waits and what was lost, and is silent otherwise', () => {
    expect(backlogOf(aTentacle({ services: [{ name: 'pxe', up: true }] }))).toBeNull();
    const services = [
      { name: 'pxe', up: true, waitingResults: 3 },
      { name: 'agent', up: true, waitingMetrics: 12, thinned: 7 },
    ];
    expect(backlogOf(aTentacle({ services }))).toBe(
      '3 results waiting, 12 metrics waiting, 7 metrics lost to a full log',
    );
  });
});
