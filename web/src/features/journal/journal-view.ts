// What is searched for in a journal, and the words for what is found. Pure.
import type { JournalEntry } from '@/types/api';

export interface JournalFilter {
  // Part of a message; the case does not matter.
  text: string;
  unit: string;
  // This one and what is more urgent.
  priority: number;
  minutes: number;
}

export const EVERY_PRIORITY = 7;
export const LAST_HOUR = 60;

export const PRIORITIES: readonly [value: number, label: string][] = [
  [EVERY_PRIORITY, 'Every priority'],
  [6, 'Info and above'],
  [5, 'Notice and above'],
  [4, 'Warning and above'],
  [3, 'Error and above'],
  [2, 'Critical and above'],
];

// The backend keeps seven days.
export const SPANS: readonly [minutes: number, label: string][] = [
  [LAST_HOUR, 'Last hour'],
  [6 * 60, 'Last 6 hours'],
  [24 * 60, 'Last day'],
  [7 * 24 * 60, 'Last 7 days'],
];

export const NO_FILTER: JournalFilter = {
  text: '',
  unit: '',
  priority: EVERY_PRIORITY,
  minutes: LAST_HOUR,
};

const WORDS = ['Emergency', 'Alert', 'Critical', 'Error', 'Warning', 'Notice', 'Info', 'Debug'];

export function priorityWords(priority: number): string {
  return WORDS[priority] ?? `Priority ${priority}`;
}

const SUFFIX = /\.(service|socket|timer|mount|automount|swap|target|path|slice|scope|device)$/;

// "nginx" -> "nginx.service", as systemctl has it; the backend compares whole names.
export function unitName(typed: string): string {
  const name = typed.trim();
  return name === '' || SUFFIX.test(name) ? name : `${name}.service`;
}

export function queryOf(filter: JournalFilter, limit: number): string {
  return new URLSearchParams({
    q: filter.text.trim(),
    unit: unitName(filter.unit),
    priority: String(filter.priority),
    minutes: String(filter.minutes),
    limit: String(limit),
  }).toString();
}

// "nginx[1234]": who wrote the line.
export function writerOf(entry: JournalEntry): string {
  if (!entry.identifier) return entry.pid > 0 ? `process ${entry.pid}` : '';
  return entry.pid > 0 ? `${entry.identifier}[${entry.pid}]` : entry.identifier;
}
