import { Skeleton, Stack } from '@mantine/core';

import { Problem } from '@/components/errors/problem';
import { Empty } from '@/components/ui/empty';
import { SearchIcon } from '@/components/ui/icons';
import type { Node } from '@/types/api';

import { useNodes } from '../api/nodes';
import { matches, type NodeFilter } from '../node-view';
import { FirstTentacle } from './first-tentacle';
import classes from './node-list.module.css';
import { NodeRow } from './node-row';

interface NodeListProps {
  filter: NodeFilter;
  onClearFilter: () => void;
  onAdd: () => void;
}

export function NodeList({ filter, onClearFilter, onAdd }: NodeListProps) {
  const nodes = useNodes();
  if (nodes.isPending) {
    return (
      <Stack gap="xs" aria-busy="true" aria-label="Loading">
        <Skeleton height={72} radius="lg" />
        <Skeleton height={72} radius="lg" />
        <Skeleton height={72} radius="lg" />
      </Stack>
    );
  }
  if (!nodes.data)
    return (
      <Problem title="No node list" error={nodes.error} onRetry={() => void nodes.refetch()} />
    );
  if (nodes.data.length === 0) return <FirstTentacle onAdd={onAdd} />;

  const shown = nodes.data.filter((node) => matches(node, filter));
  const others = shown.filter((node) => !node.isTentacle);
  const tentacles = shown.filter((node) => node.isTentacle);
  return (
    <>
      <p className={classes.count} role="status">
        {shown.length === nodes.data.length
          ? `${shown.length} shown`
          : `${shown.length} of ${nodes.data.length} shown`}
      </p>
      {shown.length === 0 ? (
        <Empty icon={<SearchIcon size={26} />} title="No node matches">
          <button type="button" className={classes.clear} onClick={onClearFilter}>
            Show all nodes
          </button>
        </Empty>
      ) : null}
      <Group title="Nodes" nodes={others} titled={tentacles.length > 0} />
      <Group title="Tentacles" nodes={tentacles} titled={others.length > 0} />
    </>
  );
}

function Group({ title, nodes, titled }: { title: string; nodes: Node[]; titled: boolean }) {
  if (nodes.length === 0) return null;
  return (
    <section aria-label={title} className={classes.group}>
      {titled ? (
        <h2 className={classes.heading}>
          {title} <span className={classes.number}>{nodes.length}</span>
        </h2>
      ) : null}
      <ul className={classes.list}>
        {nodes.map((node) => (
          <NodeRow key={node.id} node={node} />
        ))}
      </ul>
    </section>
  );
}
