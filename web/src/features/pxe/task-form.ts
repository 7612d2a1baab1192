// What a person types into the form, and the order it becomes. The rules are those of the wire contract
// (docs/protocol.md section 4); the backend checks again and has the last word. Pure.
import { revealInvisible } from '@/lib/format';
import type { Image, NetworkPlan, NewTask, Node } from '@/types/api';

export interface TaskFields {
  hostname: string;
  mac: string;
  imageId: string;
  platform: string;
  dhcp: boolean;
  ip: string;
  prefix: string;
  gateway: string;
  dns: string;
  sshKeys: string;
  diskSerial: string;
  timezone: string;
  // Empty: none.
  standbyTentacleId: string;
  adminPassword: string;
}

export type FieldErrors = Partial<Record<keyof TaskFields, string>>;

export function emptyFields(mac = '', hostname = ''): TaskFields {
  return {
    hostname,
    mac,
    imageId: '',
    platform: 'baremetal-uefi',
    dhcp: true,
    ip: '',
    prefix: '24',
    gateway: '',
    dns: '',
    sshKeys: '',
    diskSerial: '',
    timezone: '',
    standbyTentacleId: '',
    adminPassword: '',
  };
}

// What a machine can be given without an image: the value of the form's choice, and what it says.
export const WITHOUT_IMAGE: [value: string, label: string][] = [
  ['os:debian-preseed', 'Debian, by its own installer'],
  ['os:local-boot', 'Nothing: start from the disk'],
];

export interface Source {
  osType: string;
  imageId?: string;
}

// The choice of an image or of one of WITHOUT_IMAGE; null when the image is gone.
export function sourceOf(choice: string, images: Image[]): Source | null {
  if (choice.startsWith('os:')) return { osType: choice.slice('os:'.length) };
  const image = images.find((one) => one.id === choice);
  return image ? { osType: image.osType, imageId: image.id } : null;
}

// The tentacles that can stand by for one: all others, first those of its site.
export function standbysOf(tentacle: Node, nodes: Node[]): Node[] {
  const others = nodes.filter((node) => node.isTentacle && node.id !== tentacle.id);
  const isNear = (node: Node) => Boolean(tentacle.site) && node.site === tentacle.site;
  return [...others.filter(isNear), ...others.filter((node) => !isNear(node))];
}

// One that was chosen stays a choice when it is gone, so that what is shown is what is ordered.
export function standbyChoices(
  standbys: Node[],
  chosen: string,
): { value: string; label: string }[] {
  const isGone = chosen !== '' && !standbys.some((node) => node.id === chosen);
  return [
    { value: '', label: 'None' },
    ...standbys.map((node) => ({
      value: node.id,
      label: `${revealInvisible(node.name)}${node.online ? '' : ' (offline)'}`,
    })),
    ...(isGone ? [{ value: chosen, label: 'A tentacle that is gone' }] : []),
  ];
}

// Windows alone cannot be used without one: there is no key to sign in with.
export function needsPassword(source: Source | null): boolean {
  return source?.osType === 'windows';
}

// "52540065D542", "52-54-00-65-d5-42", "5254.0065.d542" -> "52:54:00:65:d5:42"; null when it is none.
export function normalizeMac(text: string): string | null {
  const hex = text.replace(/[\s:.-]/g, '').toLowerCase();
  return /^[0-9a-f]{12}$/.test(hex) ? (hex.match(/../g)?.join(':') ?? null) : null;
}

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return (
    parts.length === 4 &&
    parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)
  );
}

function isHostname(text: string): boolean {
  return (
    text.length <= 253 &&
    text.split('.').every((label) => /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(label))
  );
}

function words(text: string): string[] {
  return text.split(/[\s,;]+/).filter(Boolean);
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
}

export function checkFields(fields: TaskFields): FieldErrors {
  const errors: FieldErrors = {};
  if (!isHostname(fields.hostname.trim()))
    errors.hostname = 'Letters, digits and hyphens, for example web-01.';
  const mac = normalizeMac(fields.mac);
  if (!mac) errors.mac = 'Six pairs of hexadecimal digits, for example 52:54:00:65:d5:42.';
  else if (Number.parseInt(mac.slice(0, 2), 16) & 1)
    errors.mac = 'This is a group address; no machine has it.';
  else if (mac === '00:00:00:00:00:00') errors.mac = 'This is no machine’s address.';
  if (!fields.imageId) errors.imageId = 'Choose what to install.';
  if (!fields.dhcp) Object.assign(errors, checkStatic(fields));
  if (lines(fields.sshKeys).some((key) => !/^(ssh|ecdsa|sk)-\S+ \S+/.test(key))) {
    errors.sshKeys = 'One public key a line, beginning with its type (ssh-ed25519 …).';
  }
  return errors;
}

function checkStatic(fields: TaskFields): FieldErrors {
  const errors: FieldErrors = {};
  if (!isIpv4(fields.ip.trim())) errors.ip = 'An IPv4 address, for example 192.168.20.50.';
  const prefix = Number(fields.prefix);
  if (!Number.isInteger(prefix) || prefix < 1 || prefix > 32) errors.prefix = '1 to 32.';
  if (fields.gateway.trim() && !isIpv4(fields.gateway.trim()))
    errors.gateway = 'An IPv4 address, or nothing.';
  if (!words(fields.dns).every(isIpv4)) errors.dns = 'IPv4 addresses, separated by blanks.';
  return errors;
}

function networkOf(fields: TaskFields): NetworkPlan {
  if (fields.dhcp) return { dhcp: true };
  const gateway = fields.gateway.trim();
  return {
    dhcp: false,
    ip: fields.ip.trim(),
    prefix: Number(fields.prefix),
    ...(gateway ? { gateway } : {}),
    dns: words(fields.dns),
  };
}

function passwordOf(fields: TaskFields, source: Source): Partial<NewTask> {
  if (fields.adminPassword) return { adminPassword: fields.adminPassword };
  return needsPassword(source) ? { generateAdminPassword: true } : {};
}

// Only for fields that checkFields has nothing against.
export function toOrder(fields: TaskFields, tentacleId: string, source: Source): NewTask {
  const serial = fields.diskSerial.trim();
  const timezone = fields.timezone.trim();
  return {
    tentacleId,
    ...(fields.standbyTentacleId ? { standbyTentacleId: fields.standbyTentacleId } : {}),
    mac: normalizeMac(fields.mac) ?? fields.mac,
    hostname: fields.hostname.trim(),
    ...source,
    platform: fields.platform,
    network: networkOf(fields),
    sshKeys: lines(fields.sshKeys),
    ...(serial ? { disk: { serial } } : {}),
    ...(timezone ? { timezone } : {}),
    ...passwordOf(fields, source),
  };
}

// The backend's name of a field -> the form's.
const FIELD_NAMES: Record<string, keyof TaskFields> = {
  hostname: 'hostname',
  mac: 'mac',
  imageId: 'imageId',
  platform: 'platform',
  'network.ip': 'ip',
  'network.prefix': 'prefix',
  'network.gateway': 'gateway',
  'network.dns': 'dns',
  sshKeys: 'sshKeys',
  'disk.serial': 'diskSerial',
  timezone: 'timezone',
  standbyTentacleId: 'standbyTentacleId',
  adminPassword: 'adminPassword',
};

export function formField(backendName: string): keyof TaskFields | null {
  return FIELD_NAMES[backendName] ?? null;
}
