import { Skeleton, Stack, Table } from '@mantine/core';

import { Problem } from '@/components/errors/problem';
import { Empty } from '@/components/ui/empty';
import { ServerIcon } from '@/components/ui/icons';
import { OutsideText } from '@/components/ui/outside-text';
import { Facts, Panel } from '@/components/ui/panel';
import { Ago } from '@/components/ui/time';
import { formatBytes, formatDuration } from '@/lib/format';
import type { Disk, FileSystem, Inventory, NetworkInterface } from '@/types/api';

import { useInventory } from '../api/nodes';

export function Hardware({ nodeId }: { nodeId: string }) {
  const inventory = useInventory(nodeId);
  if (inventory.isPending) return <Skeleton height={220} radius="lg" />;
  if (inventory.data === undefined) {
    return <Problem title="No inventory" error={inventory.error} onRetry={() => void inventory.refetch()} />;
  }
  if (inventory.data === null) {
    return (
      <Empty icon={<ServerIcon size={26} />} title="No inventory yet">
        The node sends what it is made of when its agent starts, and once an hour when something has changed. It appears
        here by itself.
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
          ['Running for', os?.uptimeSeconds === undefined ? '–' : formatDuration(os.uptimeSeconds * 1000)],
          ['Gateway', <OutsideText text={network?.defaultGateway} />],
          ['Name servers', <OutsideText text={network?.dns?.join(', ')} />],
          ['Packages', software?.reason ? <OutsideText text={software.reason} /> : (software?.count ?? '–')],
        ]}
      />
    </Panel>
  );
}

function Disks({ disks }: { disks: Disk[] }) {
  if (disks.length === 0) return null;
  return (
    <Panel title="Disks" flush>
      <Table.ScrollContainer minWidth={520}>
        <Table horizontalSpacing="md">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Name</Table.Th>
              <Table.Th>Model</Table.Th>
              <Table.Th>Serial number</Table.Th>
              <Table.Th>Kind</Table.Th>
              <Table.Th ta="right">Size</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {disks.map((disk) => (
              <Table.Tr key={disk.name}>
                <Table.Td>
                  <OutsideText text={disk.name} />
                </Table.Td>
                <Table.Td>
                  <OutsideText text={disk.model} />
                </Table.Td>
                <Table.Td>
                  <OutsideText text={disk.serial} />
                </Table.Td>
                <Table.Td>{disk.removable ? 'removable' : disk.rotational ? 'hard disk' : 'solid state'}</Table.Td>
                <Table.Td ta="right">{formatBytes(disk.sizeBytes)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Panel>
  );
}

function FileSystems({ fileSystems }: { fileSystems: FileSystem[] }) {
  if (fileSystems.length === 0) return null;
  return (
    <Panel title="File systems" flush>
      <Table.ScrollContainer minWidth={420}>
        <Table horizontalSpacing="md">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Mounted at</Table.Th>
              <Table.Th>Device</Table.Th>
              <Table.Th>Type</Table.Th>
              <Table.Th ta="right">Size</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {fileSystems.map((one) => (
              <Table.Tr key={one.mountPoint}>
                <Table.Td>
                  <OutsideText text={one.mountPoint} />
                </Table.Td>
                <Table.Td>
                  <OutsideText text={one.device} />
                </Table.Td>
                <Table.Td>
                  <OutsideText text={one.type} />
                </Table.Td>
                <Table.Td ta="right">{formatBytes(one.sizeBytes)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Panel>
  );
}

function Interfaces({ interfaces }: { interfaces: NetworkInterface[] }) {
  if (interfaces.length === 0) return null;
  return (
    <Panel title="Network interfaces" flush>
      <Table.ScrollContainer minWidth={420}>
        <Table horizontalSpacing="md">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Name</Table.Th>
              <Table.Th>MAC</Table.Th>
              <Table.Th>Addresses</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {interfaces.map((one) => (
              <Table.Tr key={one.name}>
                <Table.Td>
                  <OutsideText text={one.name} />
                </Table.Td>
                <Table.Td ff="monospace">
                  <OutsideText text={one.mac} />
                </Table.Td>
                <Table.Td>
                  <OutsideText text={one.addresses?.join(', ')} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Panel>
  );
}
