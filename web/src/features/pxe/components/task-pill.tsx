import type { ReactNode } from 'react';

import {
  AlertIcon,
  BanIcon,
  CheckIcon,
  ClockIcon,
  DownloadIcon,
  PowerIcon,
} from '@/components/ui/icons';
import { Pill, type Tone } from '@/components/ui/pill';
import type { TaskStatus } from '@/types/api';

const LOOKS: Record<TaskStatus, { tone: Tone; word: string; icon: ReactNode }> = {
  waiting: { tone: 'wait', word: 'Waiting', icon: <ClockIcon /> },
  booting: { tone: 'busy', word: 'Booting', icon: <PowerIcon /> },
  installing: { tone: 'busy', word: 'Installing', icon: <DownloadIcon /> },
  complete: { tone: 'good', word: 'Complete', icon: <CheckIcon /> },
  failed: { tone: 'bad', word: 'Failed', icon: <AlertIcon /> },
  cancelled: { tone: 'quiet', word: 'Cancelled', icon: <BanIcon /> },
};

export function TaskPill({ status }: { status: TaskStatus }) {
  const { tone, word, icon } = LOOKS[status];
  return (
    <Pill tone={tone} icon={icon}>
      {word}
    </Pill>
  );
}
