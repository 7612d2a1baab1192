// What the backend's REST routes say (docs/protocol.md section 1), written once.
//
// Every text in here comes from outside: from tentacles, from machines in a segment, from people. It is
// shown with <OutsideText> and never as markup.

export interface NetworkInterface {
  name: string;
  mac: string;
  addresses?: string[];
}

// The part of the configuration that a backend may set. What is missing has its default.
export interface TentacleConfig {
  network_segment?: string;
  uplink?: { mode?: string };
  pxe?: { enabled?: boolean };
  cache?: { enabled?: boolean };
  discovery?: { enabled?: boolean };
}

export interface Node {
  id: string;
  name: string;
  hostname: string;
  isTentacle: boolean;
  online: boolean;
  // When the present state, online or offline, began, and why.
  since?: string;
  reason?: string;
  lastSeen?: string;
  version?: string;
  os?: string;
  arch?: string;
  ip?: string;
  network?: { interfaces?: NetworkInterface[] };
  cpuPercent?: number;
  memoryPercent?: number;
  // For tentacles only, from here on.
  // Tentacles of one site are near each other.
  site?: string;
  config?: TentacleConfig;
  configRevision?: number;
  mode?: string;
  tasksPending?: number;
  imagesCached?: number;
  devicesDiscovered?: number;
  link?: {
    latencyMs?: number | null;
    jitterMs?: number;
    lossPercent?: number;
    throughputMbit?: number;
  };
  // Another machine that came with the same key: most likely a copy of this one.
  clone?: { address: string; since?: string; lastSeen?: string; connected: boolean } | null;
  // What the last configuration became: applied, on-trial, refused or reverted.
  configResult?: { revision?: number; status?: string; reason?: string } | null;
  services?: ServiceState[] | null;
}

// One service of a tentacle: what waits there for this backend, and what had to be forgotten.
export interface ServiceState {
  name: string;
  up: boolean;
  reason?: string;
  waitingResults?: number;
  waitingInventories?: number;
  waitingMetrics?: number;
  thinned?: number;
}

export interface Disk {
  name: string;
  model?: string;
  serial?: string;
  sizeBytes?: number;
  rotational?: boolean;
  removable?: boolean;
}

export interface FileSystem {
  mountPoint: string;
  device?: string;
  type?: string;
  sizeBytes?: number;
}

export interface Inventory {
  collectedAt: string;
  hardware?: {
    cpu?: { model?: string; cores?: number; threads?: number };
    memoryBytes?: number;
    disks?: Disk[];
    fileSystems?: FileSystem[];
    network?: NetworkInterface[];
    system?: { vendor?: string; product?: string; serial?: string; uuid?: string };
    virtualization?: string;
  };
  os?: {
    name?: string;
    version?: string;
    kernel?: string;
    hostname?: string;
    uptimeSeconds?: number;
  };
  software?: { packages?: { name: string; version: string }[]; count?: number; reason?: string };
  services?: { units?: ServiceUnit[]; reason?: string };
  network?: { interfaces?: NetworkInterface[]; defaultGateway?: string; dns?: string[] };
  security?: Security;
}

// A unit of the host's service manager, as the last inventory found it.
export interface ServiceUnit {
  name: string;
  active: string;
  sub: string;
}

export interface PendingUpdate {
  name: string;
  installed?: string;
  candidate?: string;
  security?: boolean;
}

export interface Security {
  rebootRequired?: boolean;
  // Whose update wants it.
  rebootPackages?: string[];
  // The list may be cut; the count is of all of them.
  pendingUpdates?: PendingUpdate[];
  pendingCount?: number;
  // Why nothing is known of updates.
  updatesReason?: string;
  timeSync?: { synchronized?: boolean; source?: string };
}

// A unit that shall be active and once was not; one that never was otherwise is not listed.
export interface WatchedUnit {
  unit: string;
  state: string;
  expected: boolean;
  since: string;
}

export interface JournalEntry {
  time: string;
  // Of syslog: 0 is an emergency, 7 is for debugging.
  priority: number;
  // Empty for what belongs to none, the kernel's lines for example.
  unit: string;
  identifier: string;
  pid: number;
  message: string;
}

export interface MetricSample {
  time: string;
  cpuPercent?: number;
  memoryPercent?: number;
  diskPercent?: number;
  load1?: number;
  // Counters since the host's start; a rate is the difference of two samples.
  networkRxBytes?: number;
  networkTxBytes?: number;
}

export type TokenStatus = 'active' | 'expired' | 'exhausted' | 'revoked';

export interface CreatedToken {
  id: string;
  token: string;
  expiresAt: string;
  maxUses: number;
}

export const TASK_STATUSES = [
  'waiting',
  'booting',
  'installing',
  'complete',
  'failed',
  'cancelled',
] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

export interface TimelineEntry {
  time: string;
  step: string;
  detail?: string;
}

export type NetworkPlan =
  { dhcp: true } | { dhcp: false; ip: string; prefix: number; gateway?: string; dns?: string[] };

export interface Task {
  id: string;
  mac: string;
  hostname: string;
  imageId?: string;
  imageName?: string;
  osType: string;
  platform: string;
  network?: NetworkPlan;
  disk?: { serial?: string; path?: string; minSizeBytes?: number };
  sshKeys?: string[];
  tentacleId?: string;
  tentacleName?: string;
  // Another tentacle of the segment, which answers when the first does not. Once it has, the two have changed places.
  standbyTentacleId?: string | null;
  standbyTentacleName?: string | null;
  status: TaskStatus;
  stage?: string;
  message?: string;
  progress?: number;
  createdAt: string;
  updatedAt: string;
  startedAt?: string;
  completedAt?: string;
  timeline?: TimelineEntry[];
}

export interface BootStage {
  step: string;
  detail?: string;
  time: string;
  durationMs: number;
}

// The beginning of a machine's boot, also of one that was not answered; or, with a verdict, the whole of it at its end.
export interface BootReport {
  mac: string;
  time: string;
  taskId?: string;
  arch?: string;
  firmware?: string;
  vendorClass?: string;
  unanswered?: string;
  verdict?: string;
  complete?: boolean;
  startedAt?: string;
  stages?: BootStage[];
}

export interface NewTask {
  tentacleId: string;
  standbyTentacleId?: string;
  mac: string;
  hostname: string;
  imageId?: string;
  osType: string;
  platform: string;
  network: NetworkPlan;
  disk?: { serial: string };
  sshKeys: string[];
  timezone?: string;
  adminPassword?: string;
  generateAdminPassword?: true;
}

// The answer to an order; a password that the backend made is in this answer alone.
export type OrderedTask = Task & { adminPassword?: string };

export interface Image {
  id: string;
  name: string;
  displayName: string;
  osType: string;
  osVersion?: string;
  format?: string;
  architecture?: string;
  sizeBytes?: number;
  unpackedSizeBytes?: number;
  sha256?: string;
  state: 'hashing' | 'ready' | 'failed';
  reason?: string;
}

// An image of the backend, and what one tentacle has of it.
export interface CachedImage {
  imageId: string;
  name: string;
  sizeBytes?: number;
  cachedAt?: string | null;
  state: 'absent' | 'pulling' | 'verifying' | 'cached' | 'failed';
  presentBytes?: number;
  reason?: string;
  wrongChunks?: number; // That went wrong on the tentacle's disk since the image came.
  wrongChunkAt?: string | null;
}

export type PrepullState = 'ordered' | 'waiting' | 'pulling' | 'done' | 'failed' | 'cancelled';

// Whether an image can be at one tentacle in time.
export interface PrepullForecast {
  tentacleId: string;
  tentacleName: string;
  // Absent while the tentacle's line was never measured.
  feasible?: boolean;
  expectedAt?: string;
  forecast: string;
}

export interface PrepullTarget extends PrepullForecast {
  state: PrepullState;
  reason: string;
  updatedAt: string;
}

// An image that is to be at some tentacles by some time.
export interface Prepull {
  id: string;
  imageId: string;
  imageName: string;
  notBefore?: string;
  deadline?: string;
  // By the clock of timeZone: "Mon-Fri 22:00-06:00".
  windows: string[];
  timeZone: string;
  createdAt: string;
  targets: PrepullTarget[];
}

// Times are RFC 3339, or "Tue 07:00" by the clock of timeZone.
export interface NewPrepull {
  imageId: string;
  tentacleIds?: string[];
  site?: string;
  notBefore?: string;
  deadline?: string;
  windows?: string[];
  timeZone: string;
}

export interface Device {
  mac: string;
  ip?: string | null;
  hostname?: string;
  vendor?: string;
  openPorts?: number[];
  firstSeen: string;
  lastSeen: string;
  isManaged: boolean;
  managedNodeId?: string | null;
  // new, online, flapping or gone; absent from a tentacle that does not tell.
  state?: string;
  vlan?: number;
  randomMac?: boolean;
  system?: string;
  lastWake?: { state: string; afterMs?: number | null; sentAt: string } | null;
}

// What the tentacle's switches say, and whose DHCP servers were heard.
export interface Segment {
  time?: string;
  neighbours: {
    protocol: string;
    interface: string;
    name: string;
    chassis: string;
    port: string;
    isSwitch: boolean;
    vlan?: number;
    lastSeen: string;
  }[];
  dhcpServers: { ip: string; mac: string; verdict: string; lastSeen: string }[];
  gateways: string[];
  // Absent where nobody is pinged.
  pings?: Ping[];
}

// How one host answered: the last twenty pings, and the share that was answered in an hour, a day and a week.
export interface Ping {
  ip: string;
  roundTripMs: number;
  lossPercent: number;
  hourPercent: number;
  dayPercent: number;
  weekPercent: number;
}

export interface JobInstance {
  id: string;
  nodeId: string;
  status: string;
  success?: boolean | null;
  exitCode?: number | null;
  stdout?: string;
  stderr?: string;
  errorMessage?: string;
  durationMs?: number | null;
}

export interface Job {
  id: string;
  commandType: string;
  commandData?: { script?: string; interpreter?: string };
  createdAt: string;
  instances: JobInstance[];
}

export interface ShellTicket {
  id: string;
  // None yet: somebody else has to approve the shell first.
  ticket?: string;
  expiresAt: string;
}

export interface ShellSession {
  id: string;
  nodeId: string;
  user: string;
  openedBy: string;
  // Names of keys; nobody may have to approve.
  askedBy: string;
  approvedBy: string | null;
  reason: string;
  state: 'asked' | 'open' | 'ended';
  createdAt: string;
  startedAt: string | null;
  endedAt: string | null;
  endReason: string;
  exitCode: number | null;
  recordedBytes: number;
}

export type ChangeKind = 'node' | 'task' | 'image' | 'device' | 'job' | 'prepull';

// "Something changed, fetch it again."
export interface Change {
  kind: ChangeKind;
  id: string;
  tentacleId?: string;
}

// RFC 9457.
export interface Problem {
  title?: string;
  status?: number;
  detail?: string;
}
