import type { ReactNode } from 'react';

import {
  AlertIcon,
  BanIcon,
  CheckIcon,
  ClockIcon,
  DownloadIcon,
  InfoIcon,
} from '@/components/ui/icons';
import { OutsideText } from '@/components/ui/outside-text';
import { Pill, type Tone } from '@/components/ui/pill';
import type { PrepullState } from '@/types/api';

import type { Chance } from '../prepull-view';

interface Look {
  tone: Tone;
  word: string;
  icon: ReactNode;
}

const STATES: Record<PrepullState, Look> = {
  ordered: { tone: 'wait', word: 'Ordered', icon: <ClockIcon /> },
  waiting: { tone: 'wait', word: 'Waiting', icon: <ClockIcon /> },
  pulling: { tone: 'busy', word: 'Pulling', icon: <DownloadIcon /> },
  done: { tone: 'good', word: 'Done', icon: <CheckIcon /> },
  failed: { tone: 'bad', word: 'Failed', icon: <AlertIcon /> },
  cancelled: { tone: 'quiet', word: 'Cancelled', icon: <BanIcon /> },
};

const CHANCES: Record<Chance, Look> = {
  'in-time': { tone: 'good', word: 'In time', icon: <CheckIcon /> },
  late: { tone: 'bad', word: 'Not in time', icon: <AlertIcon /> },
  unknown: { tone: 'quiet', word: 'Not measured', icon: <InfoIcon /> },
};

export function StatePill({ state }: { state: PrepullState }) {
  const look: Look | undefined = STATES[state];
  return (
    <Pill tone={look?.tone ?? 'quiet'} icon={look?.icon ?? <InfoIcon />}>
      {look?.word ?? <OutsideText text={state} />}
    </Pill>
  );
}

export function ChancePill({ chance }: { chance: Chance }) {
  const { tone, word, icon } = CHANCES[chance];
  return (
    <Pill tone={tone} icon={icon}>
      {word}
    </Pill>
  );
}
