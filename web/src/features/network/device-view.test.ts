import { describe, expect, it } from 'vitest';

import type { Ping } from '@/types/api';

import { roundTripOf, worstFirst } from './device-view';

const ping = (ip: string, lossPercent: number, dayPercent: number, weekPercent = 50): Ping => ({
  ip,
  roundTripMs: 1.5,
  lossPercent,
  hourPercent: 100,
  dayPercent,
  weekPercent,
});

describe('answers to pings', () => {
  it('come with who answers worst first, and by address among equals', () => {
    const told = [
      ping('10.0.0.10', 0, 100),
      ping('10.0.0.9', 0, 100),
      ping('10.0.0.8', 0, 90),
      ping('10.0.0.7', 100, 99),
    ];
    expect(worstFirst(told).map(({ ip }) => ip)).toEqual([
      '10.0.0.7',
      '10.0.0.8',
      '10.0.0.9',
      '10.0.0.10',
    ]);
    expect(told[0]?.ip).toBe('10.0.0.10');
  });

  it('claim no round trip for who never answered', () => {
    expect(roundTripOf(ping('10.0.0.1', 100, 0, 0))).toBeNull();
    expect(roundTripOf(ping('10.0.0.1', 100, 0, 3))).toBe('1.5 ms');
  });
});
