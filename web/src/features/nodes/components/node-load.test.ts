import { expect, it } from 'vitest';

import { rates } from './node-load';

it('a counter that fell was started anew and gives no rate', () => {
  const samples = [
    { time: '2026-02-20T12:00:00Z', networkRxBytes: 1000 },
    { time: '2026-02-20T12:01:00Z', networkRxBytes: 7000 },
    { time: '2026-02-20T12:02:00Z', networkRxBytes: 50 },
    { time: '2026-02-20T12:03:00Z', networkRxBytes: 650 },
  ];
  expect(rates(samples, (sample) => sample.networkRxBytes)).toEqual([100, 10]);
});
