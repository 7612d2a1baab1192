import type { ReactNode } from 'react';

import { CheckIcon, ClockIcon, PowerIcon } from '@/components/ui/icons';
import { OutsideText } from '@/components/ui/outside-text';
import { Facts, Panel } from '@/components/ui/panel';
import { Pill, type Tone } from '@/components/ui/pill';
import type { Node } from '@/types/api';

import { modeOf, type PxeState, pxeStateOf, segmentOf } from '../node-view';

const LOOKS: Record<PxeState, { tone: Tone; word: string; icon: ReactNode }> = {
  active: { tone: 'good', word: 'Active', icon: <CheckIcon /> },
  off: { tone: 'quiet', word: 'Off', icon: <PowerIcon /> },
  unknown: { tone: 'wait', word: 'Unknown, the tentacle is offline', icon: <ClockIcon /> },
};

export function PxeRelay({ node }: { node: Node }) {
  const { tone, word, icon } = LOOKS[pxeStateOf(node)];
  return (
    <Panel title="PXE relay">
      <Facts
        facts={[
          [
            'Status',
            <Pill tone={tone} icon={icon}>
              {word}
            </Pill>,
          ],
          ['Network', <OutsideText text={segmentOf(node)} fallback="unknown" />],
          ['Mode', <OutsideText text={modeOf(node)} />],
        ]}
      />
    </Panel>
  );
}
