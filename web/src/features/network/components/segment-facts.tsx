import { OutsideText } from '@/components/ui/outside-text';
import { Ago } from '@/components/ui/time';
import type { Node } from '@/types/api';

import { useSegment } from '../api/devices';
import classes from './network-tab.module.css';

// The switch port that the tentacle hangs on, and the DHCP servers that were heard; nothing while nothing is known.
export function SegmentFacts({ node }: { node: Node }) {
  const segment = useSegment(node.id);
  const switches = segment.data?.neighbours.filter((neighbour) => neighbour.isSwitch) ?? [];
  const servers = segment.data?.dhcpServers ?? [];
  if (switches.length === 0 && servers.length === 0) return null;
  return (
    <ul className={classes.facts} aria-label="The segment">
      {switches.map((neighbour) => (
        <li key={`${neighbour.protocol} ${neighbour.chassis} ${neighbour.port}`}>
          Switch <OutsideText text={neighbour.name || neighbour.chassis} />, port{' '}
          <OutsideText text={neighbour.port} />
          {neighbour.vlan ? `, VLAN ${String(neighbour.vlan)}` : ''} ({neighbour.protocol},{' '}
          <Ago time={neighbour.lastSeen} />)
        </li>
      ))}
      {servers.map((server) => (
        <li key={server.ip}>
          DHCP server <OutsideText text={server.ip} />
          {server.verdict === 'rogue' ? ' should not be here' : ''} (<Ago time={server.lastSeen} />)
        </li>
      ))}
    </ul>
  );
}
