import { Anchor, Group, Title } from '@mantine/core';
import { Link } from 'react-router';

import { BackIcon } from '@/components/ui/icons';
import { OutsideText } from '@/components/ui/outside-text';
import { Ago, Since } from '@/components/ui/time';
import type { Node } from '@/types/api';

import { segmentOf } from '../node-view';
import classes from './node-header.module.css';
import { ClonePill, NodeIcon, OnlinePill, TentacleBadge } from './node-marks';

export function NodeHeader({ node }: { node: Node }) {
  const facts = [node.os, node.ip, segmentOf(node)].filter(Boolean);
  return (
    <header className={classes.header}>
      <Anchor component={Link} to="/nodes" size="sm" className={classes.back}>
        <BackIcon size={14} /> Nodes
      </Anchor>
      <div className={classes.top}>
        <NodeIcon node={node} />
        <div className={classes.who}>
          <Group gap="sm">
            <Title order={1} size="h2" className={classes.name}>
              <OutsideText text={node.name} />
            </Title>
            {node.isTentacle ? <TentacleBadge /> : null}
            <OnlinePill node={node} />
            <ClonePill node={node} />
          </Group>
          <p className={classes.facts}>
            {facts.map((fact) => (
              <span key={fact}>
                <OutsideText text={fact} />
              </span>
            ))}
            <span>
              {node.online ? (
                <>
                  online for <Since time={node.since} />
                </>
              ) : (
                <>
                  last seen <Ago time={node.lastSeen} />
                </>
              )}
            </span>
          </p>
        </div>
      </div>
    </header>
  );
}
