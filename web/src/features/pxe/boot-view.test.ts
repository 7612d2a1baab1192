import { describe, expect, it } from 'vitest';

import { aTask } from '@/testing/builders';
import type { BootReport } from '@/types/api';

import { bootDurationMs, bootsOf, bootSteps } from './boot-view';

const NOON = Date.parse('2026-02-20T12:00:00Z');
const at = (seconds: number) => new Date(NOON + seconds * 1000).toISOString();
const MAC = '52:54:00:65:d5:42';
const OTHER = '52:54:00:65:d5:43';

const begins = (seconds: number, over: Partial<BootReport> = {}): BootReport => ({
  mac: MAC,
  time: at(seconds),
  taskId: '7',
  ...over,
});

const ends = (from: number, to: number, over: Partial<BootReport> = {}): BootReport => ({
  mac: MAC,
  time: at(to),
  startedAt: at(from),
  taskId: '7',
  verdict: 'it stopped',
  complete: false,
  stages: [{ step: 'offer', time: at(from), durationMs: (to - from) * 1000 }],
  ...over,
});

describe('bootsOf', () => {
  it('a beginning and its end are one boot', () => {
    const boots = bootsOf([ends(0, 90), begins(0, { arch: 'x64-uefi' })]);
    expect(boots).toMatchObject([
      { state: 'stopped', firmware: 'x64-uefi', verdict: 'it stopped', endedAt: at(90) },
    ]);
  });

  it('what has begun behind the last end goes on', () => {
    const boots = bootsOf([begins(100), ends(0, 90), begins(0)]);
    expect(boots.map((boot) => boot.state)).toEqual(['running', 'stopped']);
  });

  it('of beginnings without an end only the newest goes on', () => {
    expect(bootsOf([begins(50), begins(0)])).toMatchObject([{ startedAt: at(50) }]);
  });

  it('machines are told apart, and those without an answer have their reason', () => {
    const boots = bootsOf([
      ends(0, 90, { complete: true }),
      begins(80, { mac: OTHER, taskId: undefined, unanswered: 'not_ours' }),
      begins(79, { mac: OTHER, taskId: undefined, unanswered: 'a reason of tomorrow' }),
    ]);
    expect(boots.map((boot) => [boot.mac, boot.state])).toEqual([
      [OTHER, 'unanswered'],
      [OTHER, 'unanswered'],
      [MAC, 'complete'],
    ]);
    expect(boots[0]?.verdict).toContain('no installation');
    expect(boots[1]?.verdict).toBe('a reason of tomorrow');
  });

  it('an iPXE says so', () => {
    expect(bootsOf([begins(0, { firmware: 'ipxe', arch: 'bios' })])[0]?.firmware).toBe(
      'iPXE, bios',
    );
  });
});

describe('bootSteps', () => {
  it('of a boot that is over are those of its record', () => {
    const [boot] = bootsOf([ends(0, 90)]);
    expect(bootSteps(boot!, undefined, NOON)).toMatchObject([
      { step: 'offer', startMs: 0, durationMs: 90_000, running: false },
    ]);
    expect(bootDurationMs(boot!, NOON)).toBe(90_000);
  });

  it('of one that goes on are those of its task since it began', () => {
    const [boot] = bootsOf([begins(100)]);
    const task = aTask({
      status: 'booting',
      timeline: [
        { time: at(0), step: 'offer' },
        { time: at(100), step: 'offer' },
        { time: at(103), step: 'tftp' },
      ],
    });
    const steps = bootSteps(boot!, task, NOON + 110_000);
    expect(steps.map((step) => [step.step, step.durationMs, step.running])).toEqual([
      ['offer', 3000, false],
      ['tftp', 7000, true],
    ]);
    expect(bootSteps(boot!, undefined, NOON)).toEqual([]);
    expect(bootDurationMs(boot!, NOON + 110_000)).toBe(10_000);
  });
});
