import type {
  CachedImage,
  Device,
  Image,
  JournalEntry,
  Node,
  Prepull,
  PrepullTarget,
  Task,
} from '@/types/api';

export function aTentacle(over: Partial<Node> = {}): Node {
  return {
    id: '1',
    name: 'Berlin Office',
    hostname: 'tentacle-berlin',
    isTentacle: true,
    online: true,
    since: new Date().toISOString(),
    lastSeen: new Date().toISOString(),
    os: 'Debian GNU/Linux 12 (bookworm)',
    arch: 'x86_64',
    ip: '192.168.20.5',
    network: {
      interfaces: [{ name: 'eth0', mac: '52:54:00:aa:00:05', addresses: ['192.168.20.5/24'] }],
    },
    cpuPercent: 23,
    memoryPercent: 64,
    config: {},
    configRevision: 0,
    mode: 'full',
    tasksPending: 1,
    imagesCached: 2,
    devicesDiscovered: 3,
    ...over,
  };
}

export function aServer(over: Partial<Node> = {}): Node {
  return {
    id: '9',
    name: 'SQL-SERVER-01',
    hostname: 'sql-server-01',
    isTentacle: false,
    online: true,
    since: new Date().toISOString(),
    os: 'Windows Server 2025',
    ip: '192.168.10.50',
    ...over,
  };
}

export function aTask(over: Partial<Task> = {}): Task {
  return {
    id: '7',
    mac: '52:54:00:65:d5:42',
    hostname: 'web-01',
    imageId: '3',
    imageName: 'Debian 12',
    osType: 'linux-image',
    platform: 'baremetal-uefi',
    network: { dhcp: true },
    tentacleId: '1',
    status: 'waiting',
    progress: 0,
    createdAt: '2026-02-20T12:00:00Z',
    updatedAt: '2026-02-20T12:00:00Z',
    timeline: [],
    ...over,
  };
}

export function anImage(over: Partial<Image> = {}): Image {
  return {
    id: '3',
    name: 'debian-12',
    displayName: 'Debian 12',
    osType: 'linux-image',
    sizeBytes: 3 * 2 ** 30,
    state: 'ready',
    ...over,
  };
}

export function aCachedImage(over: Partial<CachedImage> = {}): CachedImage {
  return {
    imageId: '3',
    name: 'Debian 12',
    sizeBytes: 3 * 2 ** 30,
    state: 'cached',
    presentBytes: 3 * 2 ** 30,
    ...over,
  };
}

export function aDevice(over: Partial<Device> = {}): Device {
  return {
    mac: '00:11:22:33:44:55',
    ip: '192.168.20.1',
    hostname: 'router',
    vendor: 'CIMSYS Inc',
    openPorts: [],
    firstSeen: '2026-01-01T00:00:00Z',
    lastSeen: '2026-02-20T12:00:00Z',
    isManaged: false,
    ...over,
  };
}

export function aPrepullTarget(over: Partial<PrepullTarget> = {}): PrepullTarget {
  return {
    tentacleId: '1',
    tentacleName: 'Berlin Office',
    state: 'ordered',
    feasible: true,
    expectedAt: '2026-12-01T03:10:00Z',
    forecast: '3.0 GiB at 94 Mbit/s: there by Tue 1 Dec 03:10, 3 h 50 min before the deadline',
    reason: '',
    updatedAt: '2026-11-30T12:00:00Z',
    ...over,
  };
}

export function aPrepull(over: Partial<Prepull> = {}): Prepull {
  return {
    id: '5',
    imageId: '3',
    imageName: 'Debian 12',
    deadline: '2026-12-01T07:00:00Z',
    windows: [],
    timeZone: 'UTC',
    createdAt: '2026-11-30T12:00:00Z',
    targets: [aPrepullTarget()],
    ...over,
  };
}

export function aJournalEntry(over: Partial<JournalEntry> = {}): JournalEntry {
  return {
    time: '2026-02-20T12:00:00Z',
    priority: 4,
    unit: 'nginx.service',
    identifier: 'nginx',
    pid: 812,
    message: 'upstream timed out',
    ...over,
  };
}
