import { OutsideText } from '@/components/ui/outside-text';
import { SimpleTable } from '@/components/ui/simple-table';

import { bootTrust } from '../boot-trust';

// Which steps of this installation are checked, and how.
export function BootTrustList({ osType }: { osType: string }) {
  const steps = bootTrust(osType);
  if (steps.length === 0)
    return <OutsideText text="" fallback="Not known for this kind of task." />;
  return (
    <SimpleTable
      label="What is checked"
      columns={['Step', 'Checked', 'How']}
      rows={steps.map(({ step, checked, how }) => ({
        key: step,
        cells: [step, checked ? 'yes' : 'no', how],
      }))}
    />
  );
}
