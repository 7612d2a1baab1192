import { AlertIcon, CheckIcon, PowerIcon, ServerIcon, TentacleIcon } from '@/components/ui/icons';
import { Pill } from '@/components/ui/pill';
import type { Node } from '@/types/api';

import classes from './node-marks.module.css';

export function NodeIcon({ node }: { node: Node }) {
  return (
    <span className={classes.icon} data-tentacle={node.isTentacle || undefined}>
      {node.isTentacle ? <TentacleIcon size={22} /> : <ServerIcon size={20} />}
    </span>
  );
}

export function TentacleBadge() {
  return (
    <Pill tone="tentacle" icon={<TentacleIcon />}>
      Tentacle
    </Pill>
  );
}

// Nothing when there is none.
export function ClonePill({ node }: { node: Node }) {
  return node.clone ? (
    <Pill tone="bad" icon={<AlertIcon />}>
      Probable clone
    </Pill>
  ) : null;
}

export function OnlinePill({ node }: { node: Node }) {
  return node.online ? (
    <Pill tone="good" icon={<CheckIcon />}>
      Online
    </Pill>
  ) : (
    <Pill tone="bad" icon={<PowerIcon />}>
      Offline
    </Pill>
  );
}
