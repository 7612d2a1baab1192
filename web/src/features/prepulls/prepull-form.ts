// What a person types to order a prepull, and the order it becomes. The backend checks again and has the
// last word. Pure.
import type { NewPrepull, Node } from '@/types/api';

export interface PrepullFields {
  imageId: string;
  where: 'tentacle' | 'site';
  tentacleId: string;
  site: string;
  notBefore: string;
  deadline: string;
  windows: string;
  timeZone: string;
}

export type FieldErrors = Partial<Record<keyof PrepullFields, string>>;

const WEEKLY = /^(mon|tue|wed|thu|fri|sat|sun)\s+\d{1,2}:\d\d$/i;
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const WINDOW = /^\S+\s+\d{1,2}:\d\d-\d{1,2}:\d\d$/;

function isTime(text: string): boolean {
  return WEEKLY.test(text) || RFC3339.test(text);
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
}

export function checkFields(fields: PrepullFields): FieldErrors {
  const errors: FieldErrors = {};
  if (!fields.imageId) errors.imageId = 'Choose an image.';
  if (fields.where === 'tentacle' && !fields.tentacleId)
    errors.tentacleId = 'Choose where it is to be.';
  if (fields.where === 'site' && !fields.site) errors.site = 'Choose where it is to be.';
  const wrong = 'A day and a time, for example Tue 07:00.';
  if (fields.notBefore.trim() && !isTime(fields.notBefore.trim())) errors.notBefore = wrong;
  if (fields.deadline.trim() && !isTime(fields.deadline.trim())) errors.deadline = wrong;
  if (!lines(fields.windows).every((line) => WINDOW.test(line)))
    errors.windows = 'One a line, for example Mon-Fri 22:00-06:00.';
  return errors;
}

// Only for fields that checkFields has nothing against.
export function toOrder(fields: PrepullFields): NewPrepull {
  const notBefore = fields.notBefore.trim();
  const deadline = fields.deadline.trim();
  const windows = lines(fields.windows);
  return {
    imageId: fields.imageId,
    ...(fields.where === 'site' ? { site: fields.site } : { tentacleIds: [fields.tentacleId] }),
    ...(notBefore ? { notBefore } : {}),
    ...(deadline ? { deadline } : {}),
    ...(windows.length > 0 ? { windows } : {}),
    timeZone: fields.timeZone.trim() || 'UTC',
  };
}

// The backend's name of a field -> the form's.
const FIELD_NAMES: Record<string, keyof PrepullFields> = {
  imageId: 'imageId',
  tentacleIds: 'tentacleId',
  site: 'site',
  notBefore: 'notBefore',
  deadline: 'deadline',
  windows: 'windows',
  timeZone: 'timeZone',
};

export function formField(backendName: string): keyof PrepullFields | null {
  return FIELD_NAMES[backendName] ?? null;
}

// Sites in the order of their names, and how many tentacles are at each.
export function sitesOf(tentacles: Node[]): [site: string, tentacles: number][] {
  const sites = new Map<string, number>();
  for (const { site } of tentacles) if (site) sites.set(site, (sites.get(site) ?? 0) + 1);
  return [...sites].sort(([a], [b]) => a.localeCompare(b));
}
