import { describe, expect, it } from 'vitest';

import { aTask } from '@/testing/builders';

import { elapsedMs, progressOf, stepWords, timelineSteps } from './task-view';

const NOON = Date.parse('2026-02-20T12:00:00Z');
const at = (seconds: number) => new Date(NOON + seconds * 1000).toISOString();

describe('timelineSteps', () => {
  it('a step lasts until the next one, the last of an open task until now', () => {
    const task = aTask({
      status: 'booting',
      timeline: [
        { time: at(2), step: 'tftp' },
        { time: at(0), step: 'offer' },
      ],
    });
    const steps = timelineSteps(task, NOON + 12_000);
    expect(
      steps.map(({ step, startMs, durationMs, running }) => [step, startMs, durationMs, running]),
    ).toEqual([
      ['offer', 0, 2000, false],
      ['tftp', 2000, 10_000, true],
    ]);
  });

  it('the last of a task that is over has no duration', () => {
    const task = aTask({ status: 'failed', timeline: [{ time: at(0), step: 'failed' }] });
    expect(timelineSteps(task, NOON + 60_000)).toMatchObject([{ durationMs: 0, running: false }]);
  });

  it('a tentacle whose clock is ahead makes no negative duration', () => {
    const task = aTask({ status: 'booting', timeline: [{ time: at(30), step: 'offer' }] });
    expect(timelineSteps(task, NOON)).toMatchObject([{ durationMs: 0 }]);
  });
});

it('a complete task is at its end whatever was reported last, and no other leaves its scale', () => {
  expect(progressOf(aTask({ status: 'complete', progress: 95 }))).toBe(100);
  expect(progressOf(aTask({ status: 'installing', progress: 250 }))).toBe(100);
  expect(progressOf(aTask({ status: 'failed', progress: -3 }))).toBe(0);
});

it('the clock of a task starts with the machine and stops with its end', () => {
  expect(elapsedMs(aTask(), NOON)).toBeNull();
  expect(elapsedMs(aTask({ startedAt: at(0) }), NOON + 5000)).toBe(5000);
  expect(elapsedMs(aTask({ startedAt: at(0), completedAt: at(71) }), NOON + 999_000)).toBe(71_000);
});

it('a step has words, and one that is unknown its own name', () => {
  expect(stepWords('takeover')).toBe('Taken over by the standby');
  expect(stepWords('something-new')).toBe('something-new');
});
