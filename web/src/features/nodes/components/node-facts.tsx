import type { ReactNode } from 'react';

import { OutsideText } from '@/components/ui/outside-text';
import { Facts, Panel } from '@/components/ui/panel';
import { Ago, Since } from '@/components/ui/time';
import type { Node } from '@/types/api';

import { modeOf, PXE_WORDS, pxeStateOf, segmentOf } from '../node-view';

export function NodeFacts({ node }: { node: Node }) {
  const latency = node.link?.latencyMs;
  return (
    <Panel title="Status">
      <Facts
        facts={[
          [
            node.online ? 'Online for' : 'Offline for',
            <>
              <Since time={node.since} />
              {node.reason ? (
                <>
                  {' '}
                  (<OutsideText text={node.reason} />)
                </>
              ) : null}
            </>,
          ],
          ['Last seen', <Ago time={node.lastSeen} />],
          ['Host name', <OutsideText text={node.hostname} />],
          ['Address', <OutsideText text={node.ip} />],
          ['System', <OutsideText text={[node.os, node.arch].filter(Boolean).join(', ')} />],
          ['Version', <OutsideText text={node.version} />],
          ...(node.isTentacle
            ? ([
                ['Segment', <OutsideText text={segmentOf(node)} />],
                ['Mode', <OutsideText text={modeOf(node)} />],
                ['PXE', PXE_WORDS[pxeStateOf(node)]],
                [
                  'Way to the backend',
                  latency === undefined || latency === null
                    ? 'not measured yet'
                    : `${latency.toFixed(1)} ms`,
                ],
                [
                  'Configuration',
                  node.configRevision ? `revision ${node.configRevision}` : 'defaults',
                ],
              ] satisfies [string, ReactNode][])
            : []),
        ]}
      />
    </Panel>
  );
}
