import { expect, test } from 'vitest';

import { may } from './role';

test('each role may do what those before it may', () => {
  const allowed = (['viewer', 'operator', 'admin'] as const).map((role) =>
    (['viewer', 'operator', 'admin'] as const).map((needed) => may({ name: 'anna', role }, needed)),
  );
  expect(allowed).toEqual([
    [true, false, false],
    [true, true, false],
    [true, true, true],
  ]);
});

test('whoever is not known yet is shown nothing', () => {
  expect(may(null, 'viewer')).toBe(false);
});
