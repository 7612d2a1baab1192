import { Alert, Button } from '@mantine/core';

import { AlertIcon } from '@/components/ui/icons';
import { OutsideText } from '@/components/ui/outside-text';
import { Since } from '@/components/ui/time';

import { useWatchedUnits } from '../api/nodes';

// Names at once; the rest is a number.
const NAMED = 3;

// Watched units that are not as they should be; nothing when all are.
export function UnitAlert({ nodeId, onOpen }: { nodeId: string; onOpen: () => void }) {
  const units = useWatchedUnits(nodeId);
  const wrong = units.data?.filter((one) => !one.expected) ?? [];
  if (wrong.length === 0) return null;
  return (
    <Alert
      color="red"
      variant="light"
      icon={<AlertIcon />}
      title={
        wrong.length === 1
          ? 'A watched unit is not active'
          : `${wrong.length} watched units are not active`
      }
    >
      {wrong.slice(0, NAMED).map((one) => (
        <div key={one.unit}>
          <strong>
            <OutsideText text={one.unit} />
          </strong>{' '}
          is <OutsideText text={one.state} />, for <Since time={one.since} />
        </div>
      ))}
      {wrong.length > NAMED ? <div>and {wrong.length - NAMED} more</div> : null}
      <Button mt="xs" size="xs" variant="default" onClick={onOpen}>
        Look at them
      </Button>
    </Alert>
  );
}
