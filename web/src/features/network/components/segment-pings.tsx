import { OutsideText } from '@/components/ui/outside-text';
import type { Node } from '@/types/api';

import { useDevices, useSegment } from '../api/devices';
import { roundTripOf, worstFirst } from '../device-view';
import classes from './network-tab.module.css';

// Rows at most; who answers worst comes first.
const MOST = 50;

// How those answered who are pinged; nothing where nobody is.
export function SegmentPings({ node }: { node: Node }) {
  const segment = useSegment(node.id);
  const devices = useDevices(node.id);
  const pings = worstFirst(segment.data?.pings ?? []);
  if (pings.length === 0) return null;
  const nameOf = (ip: string) => devices.data?.find((device) => device.ip === ip)?.hostname;
  return (
    <div className={classes.pings} tabIndex={0} role="region" aria-label="Pings">
      <table className={classes.pingTable}>
        <caption>
          Answers to pings
          {pings.length > MOST ? `, the worst ${String(MOST)} of ${String(pings.length)}` : ''}
        </caption>
        <thead>
          <tr>
            <th scope="col">Address</th>
            <th scope="col">Round trip</th>
            <th scope="col">Lost</th>
            <th scope="col">Hour</th>
            <th scope="col">Day</th>
            <th scope="col">Week</th>
          </tr>
        </thead>
        <tbody>
          {pings.slice(0, MOST).map((ping) => (
            <tr key={ping.ip}>
              <th scope="row">
                <OutsideText text={ping.ip} /> <OutsideText text={nameOf(ping.ip)} fallback="" />
              </th>
              <td>{roundTripOf(ping) ?? '–'}</td>
              <td>{ping.lossPercent} %</td>
              <td>{ping.hourPercent} %</td>
              <td>{ping.dayPercent} %</td>
              <td>{ping.weekPercent} %</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
