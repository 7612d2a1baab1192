import { Skeleton, Stack } from '@mantine/core';

import { Problem } from '@/components/errors/problem';
import { Empty } from '@/components/ui/empty';
import { ServerIcon } from '@/components/ui/icons';
import { OutsideText } from '@/components/ui/outside-text';
import { Facts, Panel } from '@/components/ui/panel';
import { SimpleTable } from '@/components/ui/simple-table';
import { Ago } from '@/components/ui/time';
import { formatBytes, formatDuration } from '@/lib/format';
import type { Disk, FileSystem, Inventory, NetworkInterface } from '@/types/api';

import { useInventory } from '../api/nodes';

export function Hardware({ nodeId }: { nodeId: string }) {
  const inventory = useInventory(nodeId);
  if (inventory.isPending) return <Skeleton height={220} radius="lg" />;
  if (inventory.data === undefined) {
    return (
      <Problem
        title="No inventory"
        error={inventory.error}
        onRetry={() => void inventory.refetch()}
      />
    );
  }
  if (inventory.data === null) {
    return (
      <Empty icon={<ServerIcon size={26} />} title="No inventory yet">
        The node sends what it is made of when its agent starts, and once an hour when something has
        changed. It appears here by itself.
      </Empty>
    );
  }
  const { hardware, network } = inventory.data;
  return (
    <Stack>
      <Machine inventory={inventory.data} />
      <Disks disks={hardware?.disks ?? []} />
      <FileSystems fileSystems={hardware?.fileSystems ?? []} />
      <Interfaces interfaces={network?.interfaces ?? hardware?.network ?? []} />
    </Stack>
  );
}

function Machine({ inventory }: { inventory: Inventory }) {
  const { hardware, os, network, software } = inventory;
  const cpu = hardware?.cpu;
  const system = [hardware?.system?.vendor, hardware?.system?.product].filter(Boolean).join(' ');
  return (
    <Panel
      title="Machine"
      note={
        <>
          collected <Ago time={inventory.collectedAt} />
        </>
      }
    >
      <Facts
        facts={[
          ['Processor', <OutsideText text={cpu?.model} />],
          ['Cores, threads', cpu ? `${cpu.cores ?? '–'}, ${cpu.threads ?? '–'}` : '–'],
          ['Memory', formatBytes(hardware?.memoryBytes)],
          ['Model', <OutsideText text={system} />],
          ['Serial number', <OutsideText text={hardware?.system?.serial} />],
          ['Virtualization', <OutsideText text={hardware?.virtualization} fallback="none" />],
          ['System', <OutsideText text={[os?.name, os?.version].filter(Boolean).join(' ')} />],
          ['Kernel', <OutsideText text={os?.kernel} />],
          [
            'Running for',
            os?.uptimeSeconds === undefined ? '–' : formatDuration(os.uptimeSeconds * 1000),
          ],
          ['Gateway', <OutsideText text={network?.defaultGateway} />],
          ['Name servers', <OutsideText text={network?.dns?.join(', ')} />],
          [
            'Packages',
            software?.reason ? <OutsideText text={software.reason} /> : (software?.count ?? '–'),
          ],
        ]}
      />
    </Panel>
  );
}

function Disks({ disks }: { disks: Disk[] }) {
  if (disks.length === 0) return null;
  return (
    <Panel title="Disks" flush>
      <SimpleTable
        label="Disks"
        columns={['Name', 'Model', 'Serial number', 'Kind', 'Size']}
        numeric={[4]}
        rows={disks.map((disk) => ({
          key: disk.name,
          cells: [
            <OutsideText text={disk.name} />,
            <OutsideText text={disk.model} />,
            <OutsideText text={disk.serial} />,
            disk.removable ? 'removable' : disk.rotational ? 'hard disk' : 'solid state',
            formatBytes(disk.sizeBytes),
          ],
        }))}
      />
    </Panel>
  );
}

function FileSystems({ fileSystems }: { fileSystems: FileSystem[] }) {
  if (fileSystems.length === 0) return null;
  return (
    <Panel title="File systems" flush>
      <SimpleTable
        label="File systems"
        columns={['Mounted at', 'Device', 'Type', 'Size']}
        numeric={[3]}
        rows={fileSystems.map((one) => ({
          key: one.mountPoint,
          cells: [
            <OutsideText text={one.mountPoint} />,
            <OutsideText text={one.device} />,
            <OutsideText text={one.type} />,
            formatBytes(one.sizeBytes),
          ],
        }))}
      />
    </Panel>
  );
}

function Interfaces({ interfaces }: { interfaces: NetworkInterface[] }) {
  if (interfaces.length === 0) return null;
  return (
    <Panel title="Network interfaces" flush>
      <SimpleTable
        label="Network interfaces"
        columns={['Name', 'MAC', 'Addresses']}
        rows={interfaces.map((one) => ({
          key: one.name,
          cells: [
            <OutsideText text={one.name} />,
            <OutsideText text={one.mac} />,
            <OutsideText text={one.addresses?.join(', ')} />,
          ],
        }))}
      />
    </Panel>
  );
}
