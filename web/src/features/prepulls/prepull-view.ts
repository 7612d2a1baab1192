// What is shown of a prepull, out of what the backend tells. Pure.
import type { Prepull, PrepullForecast, PrepullState, PrepullTarget } from '@/types/api';

export type PrepullFilter = 'all' | 'open' | 'done';

const OPEN: readonly PrepullState[] = ['ordered', 'waiting', 'pulling'];

export function isTargetOpen(target: PrepullTarget): boolean {
  return OPEN.includes(target.state);
}

export function isOpen(prepull: Prepull): boolean {
  return prepull.targets.some(isTargetOpen);
}

export function filterPrepulls(prepulls: Prepull[], filter: PrepullFilter): Prepull[] {
  if (filter === 'all') return prepulls;
  return prepulls.filter((one) => isOpen(one) === (filter === 'open'));
}

// The state of the whole: what goes on says more than what is over, and what went wrong more than what did not.
const BY_WEIGHT: readonly PrepullState[] = [
  'pulling',
  'waiting',
  'ordered',
  'failed',
  'done',
  'cancelled',
];

export function stateOf(prepull: Prepull): PrepullState {
  const states = new Set(prepull.targets.map((one) => one.state));
  return BY_WEIGHT.find((state) => states.has(state)) ?? 'cancelled';
}

export type Chance = 'in-time' | 'late' | 'unknown';

export function chanceOf(target: PrepullForecast): Chance {
  if (target.feasible === undefined) return 'unknown';
  return target.feasible ? 'in-time' : 'late';
}

// Of what goes on: the worst of all. Null when nothing goes on.
export function worstChance(prepull: Prepull): Chance | null {
  const chances = prepull.targets.filter(isTargetOpen).map(chanceOf);
  if (chances.length === 0) return null;
  return (['late', 'unknown', 'in-time'] as const).find((one) => chances.includes(one)) ?? null;
}

// "Berlin Office" of one, "3 tentacles, 1 done" of several.
export function placesOf(prepull: Prepull): string {
  const [first, ...others] = prepull.targets;
  if (!first) return 'no tentacle is left';
  if (others.length === 0) return first.tentacleName;
  const done = prepull.targets.filter((one) => one.state === 'done').length;
  const failed = prepull.targets.filter((one) => one.state === 'failed').length;
  const parts = [`${prepull.targets.length} tentacles`];
  if (done > 0) parts.push(`${done} done`);
  if (failed > 0) parts.push(`${failed} failed`);
  return parts.join(', ');
}

// What is to be known first: why one failed, else why one will be late, else what is said of the only one.
export function wordOf(prepull: Prepull): string {
  const failed = prepull.targets.find((one) => one.state === 'failed' && one.reason);
  if (failed) return failed.reason;
  const open = prepull.targets.filter(isTargetOpen);
  const late = open.find((one) => chanceOf(one) === 'late');
  const said = late ?? (prepull.targets.length === 1 ? open[0] : undefined);
  return said?.forecast ?? '';
}

// When it may be pulled, but for the deadline.
export function windowsOf(prepull: Pick<Prepull, 'windows' | 'timeZone'>): string {
  return prepull.windows.length > 0
    ? `${prepull.windows.join(', ')} (${prepull.timeZone})`
    : 'at any time';
}
