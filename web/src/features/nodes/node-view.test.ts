import { describe, expect, it } from 'vitest';

import { aTentacle } from '@/testing/builders';
import type { Inventory } from '@/types/api';

import { backlogOf, configurationOf, lineOf, selectServices, updatesOf } from './node-view';

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

describe('what is said of a system', () => {
  it('lists services that failed first, then those on their way, and finds them by name', () => {
    const units = [
      { name: 'cron.service', active: 'active', sub: 'running' },
      { name: 'backup.service', active: 'inactive', sub: 'dead' },
      { name: 'smartd.service', active: 'activating', sub: 'auto-restart' },
      { name: 'nginx.service', active: 'failed', sub: 'failed' },
    ];
    expect(selectServices(units, '').map((unit) => unit.name)).toEqual([
      'nginx.service',
      'smartd.service',
      'backup.service',
      'cron.service',
    ]);
    expect(selectServices(units, ' CRON ').map((unit) => unit.name)).toEqual(['cron.service']);
  });

  it('counts updates, also those that the list has no room for, and says why none are known', () => {
    const of = (security: Inventory['security']) => updatesOf({ collectedAt: '', security });
    expect(of(undefined)).toBe('not known');
    expect(of({ updatesReason: 'there is no apt here' })).toBe('there is no apt here');
    expect(of({ pendingUpdates: [], pendingCount: 0 })).toBe('none pending');
    const pendingUpdates = [{ name: 'openssl', security: true }, { name: 'vim' }];
    expect(of({ pendingUpdates })).toBe('2 pending, 1 for security');
    expect(of({ pendingUpdates, pendingCount: 900 })).toBe('900 pending, 1 for security');
  });
});
