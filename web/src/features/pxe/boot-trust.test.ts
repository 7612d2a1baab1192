import { expect, it } from 'vitest';

import { bootTrust } from './boot-trust';
import { OS_TYPES } from './task-view';

it('what the firmware loads first is never said to be checked', () => {
  for (const [osType] of OS_TYPES) {
    const steps = bootTrust(osType);
    expect(steps.length).toBeGreaterThan(2);
    expect(steps.slice(0, 2).map((step) => step.checked)).toEqual([false, false]);
  }
});

it('an image is checked on the machine itself where our own installer writes it', () => {
  const image = bootTrust('linux-image').find((step) => step.step === 'Image');
  expect(image).toMatchObject({ checked: true });
  expect(bootTrust('ubuntu-autoinstall').find((step) => step.step === 'Image')).toBeUndefined();
});

it('nothing is claimed of a kind that is not known', () => {
  expect(bootTrust('plan9')).toEqual([]);
});
