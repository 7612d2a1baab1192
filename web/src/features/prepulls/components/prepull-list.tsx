import { Anchor, Button } from '@mantine/core';
import { Link } from 'react-router';

import { CrossIcon } from '@/components/ui/icons';
import { OutsideText } from '@/components/ui/outside-text';
import { Facts } from '@/components/ui/panel';
import { SimpleTable } from '@/components/ui/simple-table';
import { Ago } from '@/components/ui/time';
import { formatDay, formatExact, revealInvisible } from '@/lib/format';
import { useMay } from '@/lib/role';
import type { Prepull, PrepullTarget } from '@/types/api';

import {
  chanceOf,
  isOpen,
  isTargetOpen,
  placesOf,
  stateOf,
  windowsOf,
  wordOf,
  worstChance,
} from '../prepull-view';
import classes from './prepull-list.module.css';
import { ChancePill, StatePill } from './prepull-marks';

interface PrepullListProps {
  prepulls: Prepull[];
  openId: string | null;
  onOpen: (id: string | null) => void;
  onCancel: (prepull: Prepull) => void;
}

export function PrepullList({ prepulls, openId, onOpen, onCancel }: PrepullListProps) {
  return (
    <ul className={classes.list}>
      {prepulls.map((prepull) => {
        const open = prepull.id === openId;
        return (
          <li key={prepull.id} className={classes.row} data-prepull={prepull.id}>
            <Head prepull={prepull} open={open} onOpen={() => onOpen(open ? null : prepull.id)} />
            {open ? <Details prepull={prepull} onCancel={() => onCancel(prepull)} /> : null}
          </li>
        );
      })}
    </ul>
  );
}

interface HeadProps {
  prepull: Prepull;
  open: boolean;
  onOpen: () => void;
}

function Head({ prepull, open, onOpen }: HeadProps) {
  const chance = worstChance(prepull);
  const word = wordOf(prepull);
  return (
    <button type="button" className={classes.head} aria-expanded={open} onClick={onOpen}>
      <span className={classes.what}>
        <span className={classes.name}>
          <OutsideText text={prepull.imageName} />
        </span>
        <span className={classes.second}>
          <OutsideText text={placesOf(prepull)} />
        </span>
      </span>
      <span className={classes.when}>
        {prepull.deadline ? (
          <>
            by <Day time={prepull.deadline} />
          </>
        ) : (
          'without a deadline'
        )}
      </span>
      <span className={classes.pills}>
        <StatePill state={stateOf(prepull)} />
        {chance ? <ChancePill chance={chance} /> : null}
      </span>
      {word ? (
        <span className={classes.word}>
          <OutsideText text={word} />
        </span>
      ) : null}
    </button>
  );
}

function Day({ time }: { time: string }) {
  return (
    <time dateTime={time} title={formatExact(time)}>
      {formatDay(time)}
    </time>
  );
}

function Details({ prepull, onCancel }: { prepull: Prepull; onCancel: () => void }) {
  const mayCancel = useMay('operator');
  return (
    <div className={classes.details}>
      <div className={classes.facts}>
        <Facts
          facts={[
            ['Deadline', prepull.deadline ? <Day time={prepull.deadline} /> : 'none'],
            ['Not before', prepull.notBefore ? <Day time={prepull.notBefore} /> : 'at once'],
            ['Windows', <OutsideText text={windowsOf(prepull)} />],
            ['Ordered', <Ago time={prepull.createdAt} />],
          ]}
        />
        {mayCancel && isOpen(prepull) ? (
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<CrossIcon size={14} />}
            onClick={onCancel}
            aria-label={`Cancel this prepull of ${revealInvisible(prepull.imageName)}`}
          >
            Cancel this prepull
          </Button>
        ) : null}
      </div>
      <SimpleTable
        label="Tentacles of this prepull"
        columns={['Tentacle', 'State', 'In time', 'There by', 'Forecast']}
        rows={prepull.targets.map((target) => ({
          key: target.tentacleId,
          cells: cellsOf(target),
        }))}
      />
    </div>
  );
}

function cellsOf(target: PrepullTarget) {
  const open = isTargetOpen(target);
  return [
    <Anchor
      component={Link}
      size="sm"
      to={`/nodes/${encodeURIComponent(target.tentacleId)}/pxe`}
      key="tentacle"
    >
      <OutsideText text={target.tentacleName} />
    </Anchor>,
    <StatePill key="state" state={target.state} />,
    open ? <ChancePill key="chance" chance={chanceOf(target)} /> : '–',
    open && target.expectedAt ? <Day key="day" time={target.expectedAt} /> : '–',
    <OutsideText key="word" text={target.reason || (open ? target.forecast : '')} />,
  ];
}
