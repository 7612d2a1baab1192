// What is shown of a task, out of what the backend tells. Pure.
import type { Task, TaskStatus, TimelineEntry } from '@/types/api';

export type TaskFilter = 'open' | 'done' | 'all';

const OPEN: readonly TaskStatus[] = ['waiting', 'booting', 'installing'];

export function isOpen(task: Task): boolean {
  return OPEN.includes(task.status);
}

export function filterTasks(tasks: Task[], filter: TaskFilter): Task[] {
  if (filter === 'all') return tasks;
  return tasks.filter((task) => isOpen(task) === (filter === 'open'));
}

// A task that is over stands still; its bar shows how far it came.
export function progressOf(task: Task): number {
  if (task.status === 'complete') return 100;
  return Math.min(100, Math.max(0, task.progress ?? 0));
}

const STEP_WORDS: Record<string, string> = {
  offer: 'Boot offer',
  'boot-server': 'Boot server asked',
  tftp: 'Boot loader',
  http: 'Boot loader by HTTP',
  script: 'Boot script',
  orders: 'Orders fetched',
  image: 'Image',
  booted: 'Installer started',
  downloading: 'Downloading',
  partitioning: 'Partitioning',
  applying: 'Writing the disk',
  configuring: 'Configuring',
  firstboot: 'First start from disk',
  answer: 'Answer file',
  takeover: 'Taken over by the standby',
  'loader-loop': 'Boot loader in a circle',
  alert: 'Attention',
  verdict: 'Stopped',
  done: 'Complete',
  failed: 'Failed',
};

export function stepWords(step: string): string {
  return STEP_WORDS[step] ?? step;
}

export interface TimelineStep extends TimelineEntry {
  // Since the first step, and until the next one (until now for the last one of an open task).
  startMs: number;
  durationMs: number;
  running: boolean;
}

export function timelineSteps(task: Task, nowMs: number): TimelineStep[] {
  const entries = [...(task.timeline ?? [])].sort(
    (a, b) => Date.parse(a.time) - Date.parse(b.time),
  );
  const first = Date.parse(entries[0]?.time ?? '');
  return entries.map((entry, index) => {
    const start = Date.parse(entry.time);
    const next = entries[index + 1];
    const running = !next && isOpen(task);
    const end = next ? Date.parse(next.time) : running ? nowMs : start;
    // The tentacle's clock may be ahead of this one.
    return { ...entry, startMs: start - first, durationMs: Math.max(0, end - start), running };
  });
}

// From when to when a machine was at work: what is said beside its name.
export function elapsedMs(task: Task, nowMs: number): number | null {
  if (!task.startedAt) return null;
  const end = task.completedAt ? Date.parse(task.completedAt) : nowMs;
  return Math.max(0, end - Date.parse(task.startedAt));
}

export const PLATFORMS: [value: string, label: string][] = [
  ['baremetal-uefi', 'Physical machine, UEFI'],
  ['baremetal-bios', 'Physical machine, BIOS'],
  ['kvm-libvirt', 'KVM / libvirt'],
  ['hyperv-gen2', 'Hyper-V generation 2'],
  ['vmware', 'VMware'],
];

export function platformWords(platform: string): string {
  return PLATFORMS.find(([value]) => value === platform)?.[1] ?? platform;
}

export const OS_TYPES: [value: string, label: string][] = [
  ['linux-image', 'Linux disk image'],
  ['debian-preseed', 'Debian (preseed)'],
  ['ubuntu-autoinstall', 'Ubuntu (autoinstall)'],
  ['rhel-kickstart', 'RHEL (kickstart)'],
  ['windows', 'Windows'],
];
