// What is shown of boots, out of what the backend tells of their beginnings and their ends. Pure.
import type { BootReport, BootStage, Task } from '@/types/api';

import { type TimelineStep, timelineSteps } from './task-view';

export type BootState = 'running' | 'complete' | 'stopped' | 'unanswered';

export interface Boot {
  // The same for as long as the boot is shown, and in an address.
  key: string;
  mac: string;
  state: BootState;
  startedAt: string;
  // Null while it goes on.
  endedAt: string | null;
  verdict: string;
  firmware: string;
  taskId: string | null;
  stages: BootStage[];
}

const UNANSWERED: Record<string, string> = {
  not_ours: 'There is no installation for this machine, so it was not answered.',
  not_waiting: 'Its installation is over, so it starts from its disk.',
  disabled: 'PXE is switched off here.',
  unknown_firmware: 'Nothing here boots a machine of this architecture.',
  no_loader: 'The boot loader for its firmware is missing on the tentacle.',
  ignored: 'A rule of the configuration says that it is not answered.',
};

// A beginning and the record of the same boot differ by what the tentacle needs to write one down.
const SAME_BOOT_MS = 2_000;

function firmwareWords(report: BootReport): string {
  if (report.firmware === 'ipxe') return report.arch ? `iPXE, ${report.arch}` : 'iPXE';
  return report.arch ?? report.firmware ?? report.vendorClass ?? '';
}

function ended(record: BootReport, beginnings: BootReport[]): Boot {
  const startedAt = record.startedAt ?? record.stages?.[0]?.time ?? record.time;
  const from = Date.parse(startedAt);
  const beginning = beginnings.find(
    (one) => one.mac === record.mac && Math.abs(Date.parse(one.time) - from) <= SAME_BOOT_MS,
  );
  return {
    key: `${record.mac} ${startedAt}`,
    mac: record.mac,
    state: record.complete ? 'complete' : 'stopped',
    startedAt,
    endedAt: record.time,
    verdict: record.verdict ?? '',
    firmware: beginning ? firmwareWords(beginning) : '',
    taskId: record.taskId ?? null,
    stages: record.stages ?? [],
  };
}

function begun(report: BootReport): Boot {
  const reason = report.unanswered;
  return {
    key: `${report.mac} ${report.time}`,
    mac: report.mac,
    state: reason ? 'unanswered' : 'running',
    startedAt: report.time,
    endedAt: reason ? report.time : null,
    verdict: reason ? (UNANSWERED[reason] ?? reason) : '',
    firmware: firmwareWords(report),
    taskId: report.taskId ?? null,
    stages: [],
  };
}

// The newest first.
export function bootsOf(reports: BootReport[]): Boot[] {
  const records = reports.filter((one) => one.verdict !== undefined);
  const beginnings = reports.filter((one) => one.verdict === undefined);
  const boots = records.map((one) => ended(one, beginnings));
  const running = new Set<string>();
  for (const one of beginnings) {
    if (one.unanswered) {
      boots.push(begun(one));
      continue;
    }
    // What has an end is told by its record; of beginnings without one only the newest can go on.
    const at = Date.parse(one.time);
    const isOver = records.some((two) => two.mac === one.mac && Date.parse(two.time) >= at);
    if (isOver || running.has(one.mac)) continue;
    running.add(one.mac);
    boots.push(begun(one));
  }
  return boots.sort((a, b) => Date.parse(b.startedAt) - Date.parse(a.startedAt));
}

// A boot that goes on is told by the timeline of its task so far.
export function bootSteps(boot: Boot, task: Task | undefined, nowMs: number): TimelineStep[] {
  const from = Date.parse(boot.startedAt);
  if (boot.endedAt === null)
    return task
      ? timelineSteps(
          {
            ...task,
            timeline: (task.timeline ?? []).filter(
              (one) => Date.parse(one.time) >= from - SAME_BOOT_MS,
            ),
          },
          nowMs,
        )
      : [];
  return boot.stages.map((stage) => ({
    step: stage.step,
    detail: stage.detail,
    time: stage.time,
    startMs: Math.max(0, Date.parse(stage.time) - from),
    durationMs: stage.durationMs,
    running: false,
  }));
}

export function bootDurationMs(boot: Boot, nowMs: number): number {
  const end = boot.endedAt === null ? nowMs : Date.parse(boot.endedAt);
  return Math.max(0, end - Date.parse(boot.startedAt));
}
