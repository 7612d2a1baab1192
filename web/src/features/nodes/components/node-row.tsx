import { Link } from 'react-router';

import { Meter } from '@/components/ui/meter';
import { OutsideText } from '@/components/ui/outside-text';
import { Ago, Since } from '@/components/ui/time';
import type { Node } from '@/types/api';

import { count, PXE_WORDS, pxeStateOf, segmentOf } from '../node-view';
import { ClonePill, NodeIcon, OnlinePill, TentacleBadge } from './node-marks';
import classes from './node-row.module.css';

// One line of the list. The whole of it leads to the node; the name is the link that a keyboard finds.
export function NodeRow({ node }: { node: Node }) {
  return (
    <li className={classes.row} data-node={node.id}>
      <NodeIcon node={node} />
      <div className={classes.who}>
        <div className={classes.title}>
          <Link to={`/nodes/${encodeURIComponent(node.id)}`} className={classes.name}>
            <OutsideText text={node.name} />
          </Link>
          {node.isTentacle ? <TentacleBadge /> : null}
          <ClonePill node={node} />
        </div>
        <div className={classes.second}>
          <OutsideText text={node.os} fallback="Unknown system" />
          {node.hostname && node.hostname !== node.name ? (
            <>
              {' · '}
              <OutsideText text={node.hostname} />
            </>
          ) : null}
        </div>
      </div>
      <div className={classes.where}>
        <span className={classes.address}>
          <OutsideText text={node.ip} fallback="no address" />
        </span>
        {segmentOf(node) ? (
          <span className={classes.second}>
            <OutsideText text={segmentOf(node)} />
          </span>
        ) : null}
      </div>
      <div className={classes.load} data-old={!node.online || undefined}>
        <Meter label="CPU" percent={node.cpuPercent} />
        <Meter label="RAM" percent={node.memoryPercent} />
      </div>
      <div className={classes.state}>
        <OnlinePill node={node} />
        <span className={classes.second}>
          {node.online ? (
            <>
              for <Since time={node.since} />
            </>
          ) : (
            <>
              last seen <Ago time={node.lastSeen} />
            </>
          )}
        </span>
      </div>
      {node.isTentacle ? <TentacleLine node={node} /> : null}
    </li>
  );
}

function TentacleLine({ node }: { node: Node }) {
  const pending = node.tasksPending ?? 0;
  return (
    <ul className={classes.facts}>
      <li data-pxe={pxeStateOf(node)}>{PXE_WORDS[pxeStateOf(node)]}</li>
      <li>{count(node.imagesCached, 'image cached', 'images cached')}</li>
      <li>{count(node.devicesDiscovered, 'device discovered', 'devices discovered')}</li>
      <li data-busy={pending > 0 || undefined}>
        {count(pending, 'task pending', 'tasks pending')}
      </li>
      {!node.online && node.reason ? (
        <li className={classes.reason}>
          <OutsideText text={node.reason} />
        </li>
      ) : null}
    </ul>
  );
}
