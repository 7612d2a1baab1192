import { Button } from '@mantine/core';
import type { ReactNode } from 'react';

import { ForRole } from '@/components/ui/for-role';
import { OutsideText } from '@/components/ui/outside-text';
import { Facts, Panel } from '@/components/ui/panel';
import { Ago, Since } from '@/components/ui/time';
import type { Node } from '@/types/api';

import { useForgetClone } from '../api/nodes';
import {
  backlogOf,
  configurationOf,
  lineOf,
  modeOf,
  PXE_WORDS,
  pxeStateOf,
  segmentOf,
} from '../node-view';

// Two machines with one key: the second is kept apart until a person has looked.
function CloneFact({ node }: { node: Node }) {
  const forget = useForgetClone();
  return (
    <>
      a machine at <OutsideText text={node.clone?.address} /> came with the key of this one;{' '}
      {node.clone?.connected ? (
        'it is connected and kept apart'
      ) : (
        <>
          last seen <Ago time={node.clone?.lastSeen} />
        </>
      )}
      . Delete its tentacle.key and enroll it anew.{' '}
      <ForRole role="admin">
        <Button
          variant="default"
          size="compact-xs"
          loading={forget.isPending}
          onClick={() => forget.mutate(node.id)}
        >
          It is dealt with
        </Button>
      </ForRole>
    </>
  );
}

export function NodeFacts({ node }: { node: Node }) {
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
                ['Way to the backend', lineOf(node)],
                [
                  'Configuration',
                  <>
                    {configurationOf(node)}
                    {node.configResult?.reason ? (
                      <>
                        {': '}
                        <OutsideText text={node.configResult.reason} />
                      </>
                    ) : null}
                  </>,
                ],
                ...(backlogOf(node)
                  ? ([['Backlog', backlogOf(node)]] satisfies [string, ReactNode][])
                  : []),
                ...(node.clone
                  ? ([['Probable clone', <CloneFact node={node} />]] satisfies [
                      string,
                      ReactNode,
                    ][])
                  : []),
              ] satisfies [string, ReactNode][])
            : []),
        ]}
      />
    </Panel>
  );
}
